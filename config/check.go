package config

import (
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
)

const (
	minSecretKey = 32  // characters
	maxBackupKey = 100 // recipients
)

var (
	wechatID   = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)
	verifyName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}\.txt$`)
	verifyText = regexp.MustCompile(`^[!-~]{1,256}$`)
	hostName   = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z.-]{0,252}[0-9A-Za-z])?$`)
)

// check holds every setting to its rules. A variable that could not be read keeps its one fault.
func (l *loader) check(c *Config) {
	for _, v := range variables() {
		l.checkTags(v, reflect.ValueOf(*c).Field(v.index).Interface())
	}
	for _, rule := range []struct {
		name string
		ok   bool
	}{
		{"SIX_LISTEN", isAddress(c.Listen)},
		{"SIX_BASE_URL", isBase(c.BaseURL) || l.env["SIX_BASE_URL"] == ""}, // a derived one is as good as SIX_LISTEN
		{"SIX_DATA", !strings.ContainsAny(c.Data, "\x00\r\n?")},
		{"SIX_SECRET_KEY", c.SecretKey == "" || len(c.SecretKey) >= minSecretKey},
		{"SIX_BACKUP_RECIPIENT", areRecipients(c.BackupRecipient)},
		{"SIX_TRUSTED_PROXIES", areProxies(c.TrustedProxies)},
		{"SIX_PRIVATE_LISTEN", c.PrivateListen == "" || isAddress(c.PrivateListen) && c.PrivateListen != c.Listen},
		{"SIX_WECHAT_VERIFY", areVerifyFiles(c.WechatVerify)},
		{"SIX_REDIS", c.Redis == "" || isRedis(c.Redis.Reveal())},
		{"SIX_UPLOAD_LIMIT", c.UploadLimit >= c.BodyLimit},
	} {
		if !rule.ok {
			l.must(rule.name)
		}
	}
	l.checkWechat(c)
	var err error
	if c.Database, err = ParseDatabase(c.DatabaseURL.Reveal()); err != nil && !l.bad("SIX_DATA") {
		l.secret("SIX_DATABASE")
	}
}

// secret is must for a secret, unless its file was at fault.
func (l *loader) secret(name string) {
	if !l.bad(name + "_FILE") {
		l.must(name)
	}
}

func (l *loader) checkWechat(c *Config) {
	id, secret := c.WechatAppID, c.WechatAppSecret.Reveal()
	if id == "" && secret == "" {
		return
	}
	if !wechatID.MatchString(id) {
		l.must("SIX_WECHAT_APP_ID")
	}
	if !wechatID.MatchString(secret) {
		l.secret("SIX_WECHAT_APP_SECRET")
	}
}

// checkTags holds a value to its oneof, min and max tags.
func (l *loader) checkTags(v variable, value any) {
	given, isGiven := l.env[v.Name]
	if len(v.OneOf) > 0 && isGiven && !slices.Contains(v.OneOf, given) {
		l.must(v.Name)
	}
	if v.Min == "" {
		return
	}
	n, low, high := number(value), limit(value, v.Min), limit(value, v.Max)
	if n < low || n > high {
		l.must(v.Name)
	}
}

// number is a countable setting as a number.
func number(value any) int64 {
	switch x := value.(type) {
	case int:
		return int64(x)
	case time.Duration:
		return int64(x)
	case Size:
		return int64(x)
	}
	return 0
}

// limit is a min or max tag as the number of a setting like value. The tests read every tag.
func limit(value any, tag string) int64 {
	switch value.(type) {
	case time.Duration:
		d, _ := time.ParseDuration(tag)
		return int64(d)
	case Size:
		var s Size
		_ = s.UnmarshalText([]byte(tag))
		return int64(s)
	}
	n, _ := strconv.ParseInt(tag, 10, 64)
	return n
}

// isAddress tells whether s can be listened on: host:port, the host a name, an address or nothing.
func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil && (host == "" || isHost(host))
}

func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || hostName.MatchString(s)
}

// isBase tells whether s is http(s)://host[:port] and no more: a path would break cookies, QR codes and the console's links.
func isBase(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isHost(u.Hostname()) || strings.HasSuffix(u.Host, ":") {
		return false
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); err != nil && u.Port() != "" {
		return false
	}
	return s == u.Scheme+"://"+u.Host
}

// areProxies takes addresses and networks, but not "everyone": then any caller could write the audit's source address.
func areProxies(list []string) bool {
	for i, s := range list {
		list[i] = strings.TrimSpace(s)
		if _, err := netip.ParseAddr(list[i]); err == nil {
			continue
		}
		if p, err := netip.ParsePrefix(list[i]); err != nil || p.Bits() == 0 {
			return false
		}
	}
	return true
}

func areRecipients(list []string) bool {
	for i, s := range list {
		list[i] = strings.TrimSpace(s)
		keys, err := age.ParseRecipients(strings.NewReader(list[i]))
		if err != nil || len(keys) != 1 {
			return false
		}
	}
	return len(list) <= maxBackupKey
}

func areVerifyFiles(files map[string]string) bool {
	for name, content := range files {
		if !verifyName.MatchString(name) || !verifyText.MatchString(content) {
			return false
		}
	}
	return true
}

func isRedis(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	db := strings.TrimPrefix(u.Path, "/")
	_, err = strconv.ParseUint(db, 10, 8)
	return db == "" || err == nil
}
