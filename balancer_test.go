//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/child"
	"sixelements/internal/testkit/galera"
)

// balancer is HAProxy with the configuration of deploy/, in front of servers and databases.
type balancer struct {
	*server         // what clients see: URL and their requests
	database string // host:port of "the" database
	socket   string
	nodes    []string // host:port at which it looks for the servers
}

// balance starts a balancer in front of a cluster and of three servers that are still to be started at its nodes.
func balance(t *testing.T, c *galera.Cluster) *balancer {
	t.Helper()
	dir := t.TempDir()
	b := &balancer{socket: filepath.Join(dir, "admin.sock"), database: freeAddress(t)}
	certificate, trusted := selfSigned(t)
	pair := filepath.Join(dir, "six.pem")
	require.NoError(t, os.WriteFile(pair, certificate, 0o600))
	https := freeAddress(t)
	env := []string{"SIX_HTTP=" + freeAddress(t), "SIX_HTTPS=" + https, "SIX_CERTIFICATE=" + pair, "SIX_ADMIN_SOCKET=" + b.socket,
		"SIX_DATABASE_LISTEN=" + b.database}
	for i, n := range c.Nodes {
		b.nodes = append(b.nodes, freeAddress(t))
		number := itoa(i + 1)
		env = append(env, "SIX_NODE"+number+"="+b.nodes[i], "SIX_DB"+number+"="+n.Addr(), "SIX_DB"+number+"_CHECK="+galeraCheck(t, dir, n))
	}
	text, err := os.ReadFile("deploy/haproxy.cfg")
	require.NoError(t, err)
	// With another user the kernel would not end the balancer with this test; and only root may change the user.
	cfg := filepath.Join(dir, "haproxy.cfg")
	require.NoError(t, os.WriteFile(cfg, regexp.MustCompile(`(?m)^    (user|group|chroot) .*\n`).ReplaceAll(text, nil), 0o600))
	haproxy, err := child.Find("haproxy")
	require.NoError(t, err)
	cmd := exec.Command(haproxy, "-db", "-f", cfg)
	cmd.Env = environment(env)
	b.server = &server{process: launch(t, cmd), URL: "https://" + https, heard: &lines{}, client: &http.Client{Timeout: time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, MaxIdleConnsPerHost: 64}}}
	b.sees(t, "db1", "UP")
	return b
}

// The columns of what HAProxy tells about itself.
const (
	sessionsNow = 4
	stateNow    = 17
)

// column is what the balancer says now of a server or a database.
func (b *balancer) column(t testing.TB, name string, column int) string {
	t.Helper()
	if b.ended() {
		t.Fatalf("the balancer ended: %s%s", b.out.String(), b.err.String())
	}
	c, err := net.Dial("unix", b.socket)
	if err != nil {
		return "" // it is starting
	}
	defer func() { _ = c.Close() }() // it was only asked
	_, err = io.WriteString(c, "show stat\n")
	require.NoError(t, err)
	said, err := io.ReadAll(c)
	require.NoError(t, err)
	for line := range strings.Lines(string(said)) {
		if f := strings.Split(line, ","); len(f) > column && f[1] == name {
			return f[column]
		}
	}
	return ""
}

// sees waits until the balancer finds a server or a database in a state.
func (b *balancer) sees(t testing.TB, name, state string) {
	t.Helper()
	await(t, "the balancer's finding that "+name+" is "+state, func() bool {
		return strings.HasPrefix(b.column(t, name, stateNow), state)
	})
}

// galeraCheck answers for a database node with deploy/galera-check, as galera-check.socket does, and says on which port.
func galeraCheck(t *testing.T, dir string, n *galera.Node) (port string) {
	t.Helper()
	account := filepath.Join(dir, n.Name+"-check.cnf")
	require.NoError(t, os.WriteFile(account, []byte("[client]\nuser=six_check\npassword="+passphrase+"\nsocket="+n.Socket()+"\n"), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go func() {
				defer func() { _ = c.Close() }()
				cmd := exec.Command("deploy/galera-check", account)
				cmd.Stdin, cmd.Stdout, cmd.WaitDelay = c, c, time.Second
				_ = cmd.Run() // the balancer judges
			}()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := child.FreePort()
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", itoa(port))
}

// selfSigned is a certificate for this machine with its key, as HAProxy reads them, and the pool that trusts it.
func selfSigned(t *testing.T) (text []byte, trusted *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	like := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "six"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, like, like, key.Public(), key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	trusted = x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(certificate))
	return append(certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), trusted
}

// laidOut gives a cluster the databases and accounts of deploy/galera.sql.
func laidOut(t *testing.T, c *galera.Cluster) {
	t.Helper()
	text, err := os.ReadFile("deploy/galera.sql")
	require.NoError(t, err)
	for _, placeholder := range []string{"密码一", "密码二", "密码三"} {
		text = bytes.ReplaceAll(text, []byte("'"+placeholder+"'"), []byte("'"+passphrase+"'"))
	}
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) != "" {
			_, err := c.Nodes[0].Pool().ExecContext(t.Context(), statement)
			require.NoError(t, err, statement)
		}
	}
}

func TestTheBalancersConfigurationIsSound(t *testing.T) {
	t.Parallel()
	certificate, _ := selfSigned(t)
	pair := filepath.Join(t.TempDir(), "six.pem")
	require.NoError(t, os.WriteFile(pair, certificate, 0o600))
	haproxy, err := child.Find("haproxy")
	require.NoError(t, err)
	cmd := exec.Command(haproxy, "-c", "-f", "deploy/haproxy.cfg")
	cmd.Env = environment([]string{"SIX_CERTIFICATE=" + pair})
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.NotContains(t, string(said), "WARNING")
}

func TestADatabaseThatCannotBeAskedIsNotToBeUsed(t *testing.T) {
	t.Parallel()
	account := filepath.Join(t.TempDir(), "check.cnf")
	require.NoError(t, os.WriteFile(account, []byte("[client]\nuser=six_check\nsocket=/nowhere\n"), 0o600))
	cmd := exec.Command("deploy/galera-check", account)
	cmd.Stdin = strings.NewReader("GET / HTTP/1.0\r\n\r\n")
	said, err := cmd.Output()
	require.NoError(t, err)
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(said)), nil)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, r.StatusCode)
}
