// Package galera starts private clusters of three MariaDB nodes for tests: with the configuration that deploy/ gives to operators, on
// free ports of this machine. Nodes can be killed and brought back as an operator would. It knows nothing of the product.
package galera

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"sixelements/internal/testkit/child"
	"sixelements/internal/testkit/mariadb"
)

const (
	user         = "six" // may do everything, from this machine only
	nodes        = 3
	syncedWithin = 90 * time.Second // a copy of the data by a busy machine included
	stopWithin   = 30 * time.Second
	pollEvery    = 100 * time.Millisecond
)

// Cluster is three nodes that hold the same data.
type Cluster struct {
	Nodes    [nodes]*Node
	password string
	as       *syscall.Credential // the user of the nodes; nil: who runs the test
}

// Node is one MariaDB of a cluster. Its address stays the same when it is killed and comes back.
type Node struct {
	Name    string
	port    int
	group   int // the ports of the group, of incremental and of full transfers
	ist     int
	sst     int
	dir     string
	cluster *Cluster
	pool    *sql.DB
	process *child.Process
	rejoins int
}

// Start starts a cluster that keeps its data in dir, which must exist, and returns when all its nodes are in step. config is the
// configuration for operators; what says where a node is is put in its place. Errors end with the log of the node at fault.
func Start(dir, config string) (c *Cluster, err error) {
	settings, err := os.ReadFile(config)
	if err != nil {
		return nil, fmt.Errorf("galera: %w", err)
	}
	c = &Cluster{password: rand.Text()}
	if c.as, err = server(); err != nil {
		return nil, fmt.Errorf("galera: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("galera: %w", err), c.Stop())
		}
	}()
	for i := range c.Nodes {
		if c.Nodes[i], err = c.newNode(dir, "db"+strconv.Itoa(i+1)); err != nil {
			return c, err
		}
	}
	for _, n := range c.Nodes {
		if err := n.configure(settings); err != nil {
			return c, err
		}
	}
	if err := c.Nodes[0].install(); err != nil {
		return c, err
	}
	if err := c.own(dir); err != nil {
		return c, err
	}
	if err := c.Nodes[0].start("--wsrep-new-cluster"); err != nil {
		return c, err
	}
	for _, n := range c.Nodes[1:] { // empty: the first node gives them its data, one after the other
		if err := n.start(); err != nil {
			return c, err
		}
	}
	return c, nil
}

// server is the user whose the nodes are where root runs the test: rsync, which copies the data, would not write as root.
func server() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := osuser.Lookup("mysql") // made by Debian's package
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// own gives the folder and all in it to the nodes' user.
func (c *Cluster) own(dir string) error {
	if c.as == nil {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(c.as.Uid), int(c.as.Gid))
	})
}

// Stop ends all nodes, the first one last. The data stays.
func (c *Cluster) Stop() error {
	var errs []error
	for _, n := range slices.Backward(c.Nodes[:]) {
		if n == nil {
			continue
		}
		errs = append(errs, n.pool.Close())
		if n.process != nil {
			errs = append(errs, n.process.Stop(stopWithin))
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) newNode(dir, name string) (*Node, error) {
	n := &Node{Name: name, cluster: c, dir: filepath.Join(dir, name)}
	for _, port := range []*int{&n.port, &n.group, &n.ist, &n.sst} {
		var err error
		if *port, err = child.FreePort(); err != nil {
			return nil, err
		}
	}
	config, err := mysql.ParseDSN(n.DSN())
	if err != nil {
		return nil, err
	}
	config.Logger = &mysql.NopLogger{} // refusals are expected
	config.Timeout = 2 * time.Second
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	n.pool = sql.OpenDB(connector)
	return n, errors.Join(os.Mkdir(n.dir, 0o700), os.Mkdir(filepath.Join(n.dir, "tmp"), 0o700), os.Mkdir(n.data(), 0o700))
}

// DSN returns the start of a go-sql-driver data source name, to which the name of a database and parameters are appended.
func (n *Node) DSN() string { return fmt.Sprintf("%s:%s@tcp(%s)/", user, n.cluster.password, n.Addr()) }

// Addr is where the node answers, host:port.
func (n *Node) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port)) }

// Pool talks to this node, whoever else is there.
func (n *Node) Pool() *sql.DB { return n.pool }

// Socket is the node's unix socket.
func (n *Node) Socket() string { return filepath.Join(n.data(), "mariadb.sock") }

func (n *Node) data() string   { return filepath.Join(n.dir, "data") }
func (n *Node) config() string { return filepath.Join(n.dir, "my.cnf") }
func (n *Node) log() string    { return filepath.Join(n.dir, "mariadb.log") }

// providerOptions is the line whose value the node's own ports are added to.
var providerOptions = regexp.MustCompile(`(?m)^wsrep_provider_options = "(.*)"$`)

// configure writes the node's configuration: the operators', then what this machine wants otherwise.
func (n *Node) configure(settings []byte) error {
	options := providerOptions.FindSubmatch(settings)
	if options == nil {
		return errors.New("no wsrep_provider_options in the configuration")
	}
	var group []string
	for _, other := range n.cluster.Nodes {
		group = append(group, "127.0.0.1:"+strconv.Itoa(other.group))
	}
	var b bytes.Buffer
	b.Write(settings)
	fmt.Fprintf(&b, "\n# This machine.\ndatadir = %s\ntmpdir = %s\nlog-error = %s\n", n.data(), filepath.Join(n.dir, "tmp"), n.log())
	b.WriteString("socket = mariadb.sock\npid-file = mariadb.pid\n")
	fmt.Fprintf(&b, "port = %d\nbind-address = 127.0.0.1\ninnodb_buffer_pool_size = 64M\ninnodb_log_file_size = 32M\n", n.port)
	fmt.Fprintf(&b, "performance_schema = OFF\nwsrep_cluster_address = gcomm://%s\n", strings.Join(group, ","))
	fmt.Fprintf(&b, "wsrep_node_name = %s\nwsrep_node_address = 127.0.0.1\nwsrep_node_incoming_address = %s\n", n.Name, n.Addr())
	fmt.Fprintf(&b, "wsrep_sst_method = rsync\nwsrep_sst_receive_address = 127.0.0.1:%d\n", n.sst)
	fmt.Fprintf(&b, "wsrep_provider_options = \"%s;gcache.size=128M;base_host=127.0.0.1;base_port=%d;"+
		"gmcast.listen_addr=tcp://127.0.0.1:%[2]d;ist.recv_addr=127.0.0.1:%d\"\n", options[1], n.group, n.ist)
	return os.WriteFile(n.config(), b.Bytes(), 0o600)
}

// install lays out the data of the first node, with the account of the tests.
func (n *Node) install() error {
	account := filepath.Join(n.dir, "account.sql")
	grant := fmt.Sprintf("FLUSH PRIVILEGES;\nCREATE USER '%[1]s'@'127.0.0.1' IDENTIFIED BY '%[2]s';\n"+
		"GRANT ALL PRIVILEGES ON *.* TO '%[1]s'@'127.0.0.1' WITH GRANT OPTION;\n", user, n.cluster.password)
	if err := os.WriteFile(account, []byte(grant), 0o600); err != nil {
		return err
	}
	if err := os.Remove(n.data()); err != nil {
		return err
	}
	return mariadb.Install(n.data(), filepath.Join(n.dir, "tmp"), "--extra-file="+account, "--auth-root-authentication-method=normal")
}

// command is the server's program with the node's configuration.
func (n *Node) command(options ...string) (*exec.Cmd, error) {
	daemon, err := child.Find("mariadbd")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(daemon, append([]string{"--defaults-file=" + n.config()}, options...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin") // the scripts that copy look for ss
	if n.cluster.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: n.cluster.as}
	}
	return cmd, nil
}

// start starts the node and waits until it is in step with the others.
func (n *Node) start(options ...string) error {
	cmd, err := n.command(options...)
	if err != nil {
		return err
	}
	if n.process, err = child.Run(cmd); err != nil {
		return err
	}
	if err := n.synced(); err != nil {
		log, _ := os.ReadFile(n.log())
		return fmt.Errorf("%s: %w; its log ends:\n%s", n.Name, err, mariadb.Tail(log))
	}
	return nil
}

func (n *Node) synced() error {
	ctx, cancel := context.WithTimeout(context.Background(), syncedWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		state, err := n.Status(ctx, "wsrep_local_state_comment")
		if state == "Synced" {
			return nil
		}
		select {
		case <-n.process.Exited():
			return errors.New("the node ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("not in step within %s: %w", syncedWithin, errors.Join(err, ctx.Err()))
		case <-tick.C:
		}
	}
}

// Status is a status variable of the node, such as wsrep_cluster_size.
func (n *Node) Status(ctx context.Context, name string) (value string, err error) {
	err = n.pool.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&name, &value)
	return value, err
}

// Kill ends the node as a power cut would.
func (n *Node) Kill() error { return n.process.Kill() }

// Pause stops the node in the middle of whatever it does, as a machine that hangs; its connections stay open.
func (n *Node) Pause() error { return n.process.Signal(syscall.SIGSTOP) }

// Resume lets a paused node go on, and returns when the cluster has been whole for a while: the others have voted the node out, but it
// has yet to find that out.
func (n *Node) Resume() error {
	const calm = 3 * time.Second
	if err := n.process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), syncedWithin)
	defer cancel()
	for since := time.Now(); time.Since(since) < calm; time.Sleep(pollEvery) {
		if !n.cluster.whole(ctx) {
			since = time.Now()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("galera: the cluster is not whole within %s", syncedWithin)
		}
	}
	return nil
}

// whole tells whether every node is in step and sees all others.
func (c *Cluster) whole(ctx context.Context) bool {
	for _, n := range c.Nodes {
		state, err := n.Status(ctx, "wsrep_local_state_comment")
		if err != nil || state != "Synced" {
			return false
		}
		if size, err := n.Status(ctx, "wsrep_cluster_size"); err != nil || size != strconv.Itoa(nodes) {
			return false
		}
	}
	return true
}

// Rejoin brings a killed node back, as Debian's service does: it looks how far the node had come and asks the others for the rest
// alone. It returns when the node is in step.
func (n *Node) Rejoin() error {
	n.rejoins++
	log := filepath.Join(n.dir, "recover"+strconv.Itoa(n.rejoins)+".log")
	cmd, err := n.command("--wsrep-recover", "--log-error="+log)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("galera: recover: %w:\n%s", err, mariadb.Tail(out))
	}
	said, err := os.ReadFile(log)
	if err != nil {
		return fmt.Errorf("galera: %w", err)
	}
	_, position, found := strings.Cut(string(said), "Recovered position")
	if !found {
		return fmt.Errorf("galera: %s does not say how far it had come:\n%s", n.Name, mariadb.Tail(said))
	}
	position, _, _ = strings.Cut(position, "\n")
	return n.start("--wsrep-start-position=" + strings.TrimLeft(position, ": "))
}

// Incremental tells whether the node, when it came back last, got only what it had missed.
func (n *Node) Incremental() (bool, error) {
	said, err := os.ReadFile(n.log())
	if err != nil {
		return false, err
	}
	last := said[max(0, bytes.LastIndex(said, []byte("wsrep_load(): Galera"))):]
	return bytes.Contains(last, []byte("Receiving IST")) && !bytes.Contains(last, []byte("SST completed on joiner")), nil
}
