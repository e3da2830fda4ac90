package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/config"
)

// A made-up age key pair's public half.
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

func TestAnEmptyEnvironmentIsTheDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.Load(nil)
	require.NoError(t, err)
	want := config.Default()
	want.BaseURL = "http://127.0.0.1:8080"
	want.DatabaseURL = "sqlite:data/six.db"
	want.Database = config.Database{Dialect: config.SQLite, Path: "data/six.db"}
	require.Equal(t, want, c)
	require.False(t, bool(c.WebForm))
	require.True(t, bool(c.RateLimit))
	require.Empty(t, c.TrustedProxies, "nobody's X-Forwarded-For is believed")
	require.Empty(t, c.PrivateListen)
}

func TestTheProcessEnvironmentIsNotReadBehindLoadsBack(t *testing.T) {
	t.Setenv("SIX_LISTEN", "127.0.0.1:1")
	c, err := config.Load([]string{})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.Listen)
}

func TestEverySettingIsRead(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{
		"PATH=/bin", "odd line", "SIX_TEST_MYSQL=x", "SIX_LONG=1", "SIX_REDIS=redis://u:p@r:6379/1",
		"SIX_LISTEN=:1", "SIX_LISTEN=0.0.0.0:9000", // what a command appends counts
		"SIX_BASE_URL=https://six.example.cn", "SIX_DATA=/srv/six", "SIX_DATABASE=mysql://six:p@db:3306/six",
		"SIX_SECRET_KEY=" + strings.Repeat("k", 32), "SIX_CRYPTO=sm", "SIX_BACKUP_RECIPIENT=" + recipient + ", " + recipient,
		"SIX_WEB_FORM=on", "SIX_TRUSTED_PROXIES=10.0.0.5, 10.1.0.0/16,::1", "SIX_RATE_LIMIT=off", "SIX_PRIVATE_LISTEN=127.0.0.1:9100",
		"SIX_WECHAT_APP_ID=wx0", "SIX_WECHAT_APP_SECRET=s", "SIX_WECHAT_VERIFY=a.txt:one,b.txt:two",
		"SIX_WORKERS=8", "SIX_REQUEST_TIMEOUT=1m", "SIX_DRAIN=10s", "SIX_SHUTDOWN_TIMEOUT=5s", "SIX_BODY_LIMIT=65536", "SIX_UPLOAD_LIMIT=20M",
		"SIX_MIN_FREE_DISK=2G", "SIX_LOG_LEVEL=debug", "SIX_LOG_FORMAT=text",
	})
	require.NoError(t, err)
	require.Equal(t, "0.0.0.0:9000", c.Listen)
	require.Equal(t, "https://six.example.cn", c.BaseURL)
	require.Equal(t, config.MySQL, c.Database.Dialect)
	require.Equal(t, []string{"10.0.0.5", "10.1.0.0/16", "::1"}, c.TrustedProxies)
	require.Equal(t, []string{recipient, recipient}, c.BackupRecipient)
	require.Equal(t, map[string]string{"a.txt": "one", "b.txt": "two"}, c.WechatVerify)
	require.Equal(t, config.Size(20<<20), c.UploadLimit)
	require.Equal(t, time.Minute, c.RequestTimeout)
	require.Equal(t, 10*time.Second, c.Drain)
	require.Equal(t, "DEBUG", c.LogLevel.String())
	require.True(t, bool(c.WebForm))
	require.False(t, bool(c.RateLimit))
}

func TestTheBaseURLFollowsTheListener(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":80": "http://localhost:80", "0.0.0.0:8080": "http://localhost:8080", "[::]:1": "http://localhost:1",
		"[::1]:81": "http://[::1]:81", "10.0.0.1:82": "http://10.0.0.1:82",
	} {
		c, err := config.Load([]string{"SIX_LISTEN=" + listen})
		require.NoError(t, err)
		require.Equal(t, want, c.BaseURL)
	}
}

func TestEveryFaultyValueIsRefusedByNameAndUnprinted(t *testing.T) {
	t.Parallel()
	const bad = "s3cr3t" // part of every value, and nowhere in the errors
	for name, values := range map[string][]string{
		"SIX_LISTEN": {"s3cr3t", "s3cr3t:x", "s3cr3t:70000", "s3cr3t s:80", "s3cr3t/:80"},
		"SIX_BASE_URL": {
			"s3cr3t.cn", "ftp://s3cr3t", "http://s3cr3t/", "http://s3cr3t/x", "http://s3cr3t?",
			"http://u:s3cr3t@h", "http://s3cr3t:", "http://s3cr3t#", "http://s3cr3t:99999", "http://%s3cr3t",
		},
		"SIX_DATA": {"s3cr3t\nx", "s3cr3t?x"},
		"SIX_DATABASE": {
			"s3cr3t", "postgres://u:s3cr3t@h/n", "sqlite:", "sqlite:s3cr3t?x=1", "mysql://u:s3cr3t@h",
			"mysql://u:%s3cr3t@h/n", "mysql://:s3cr3t@h/n", "mysql://u:s3cr3t@/n", "mysql://u:s3cr3t@h:x/n",
			"mysql://u:s3cr3t@h/n?tls=false", "mysql://u:s3cr3t@h/n/m",
		},
		"SIX_SECRET_KEY":      {"s3cr3t"},
		"SIX_CRYPTO":          {"s3cr3t", "AES"},
		"SIX_WEB_FORM":        {"s3cr3t", "true", "1", "On"},
		"SIX_RATE_LIMIT":      {"s3cr3t", "no"},
		"SIX_WORKERS":         {"s3cr3t", "0", "-1", "65", "1.5"},
		"SIX_LOG_LEVEL":       {"s3cr3t", "INFO", "info+2"},
		"SIX_LOG_FORMAT":      {"s3cr3t"},
		"SIX_REDIS":           {"s3cr3t", "http://s3cr3t", "redis://:s3cr3t@", "redis://:s3cr3t@h/x"},
		"SIX_PRIVATE_LISTEN":  {"s3cr3t", "127.0.0.1:8080"},
		"SIX_TRUSTED_PROXIES": {"s3cr3t", "0.0.0.0/0", "10.0.0.1,s3cr3t", "::/0", "10.0.0.1,", "10.0.0.0/33"},
		"SIX_BACKUP_RECIPIENT": {"s3cr3t", recipient + ",s3cr3t",
			"AGE-SECRET-KEY-s3cr3t"},
		"SIX_WECHAT_VERIFY":    {"s3cr3t", "../s3cr3t.txt:x", "s3cr3t.html:x", "s3cr3t.txt:", "s3cr3t.txt:a b"},
		"SIX_REQUEST_TIMEOUT":  {"s3cr3t", "30", "1s", "11m", "-5s"},
		"SIX_SHUTDOWN_TIMEOUT": {"s3cr3t", "0s"},
		"SIX_DRAIN":            {"s3cr3t", "-1s", "6m"},
		"SIX_BODY_LIMIT":       {"s3cr3t", "1", "-1", "1T", "9999999999G", "K"},
		"SIX_UPLOAD_LIMIT":     {"s3cr3t", "1K", "257M"},
		"SIX_MIN_FREE_DISK":    {"s3cr3t", "1025G"},
		"SIX_LISTNE":           {"s3cr3t"},
		"SIX_LISTEN_FILE":      {"s3cr3t"},
	} {
		for _, value := range values {
			t.Run(name+"="+strings.ReplaceAll(value, "/", "_"), func(t *testing.T) {
				t.Parallel()
				_, err := config.Load([]string{name + "=" + value})
				require.Error(t, err)
				require.Equal(t, []string{name}, names(err))
				require.NotContains(t, err.Error(), bad)
			})
		}
	}
}

// names are the variables that an error of Load names at the beginning of its lines.
func names(err error) []string {
	var all []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		all = append(all, name)
	}
	return all
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load([]string{
		"SIX_LISTEN=nowhere", "SIX_BASE_URL=x", "SIX_CRYPTO=rot13", "SIX_WORKERS=many", "SIX_TYPO=1", "SIX_OTHER_TYPO=1",
		"SIX_WECHAT_APP_ID=wx0", "SIX_SECRET_KEY_FILE=/nowhere/at/all", "SIX_DATABASE=oracle", "SIX_REQUEST_TIMEOUT=0s",
	})
	require.Error(t, err)
	require.Equal(t, []string{
		"SIX_BASE_URL", "SIX_CRYPTO", "SIX_DATABASE", "SIX_LISTEN", "SIX_OTHER_TYPO", "SIX_REQUEST_TIMEOUT", "SIX_SECRET_KEY_FILE",
		"SIX_TYPO", "SIX_WECHAT_APP_SECRET", "SIX_WORKERS",
	}, names(err))
	require.Contains(t, err.Error(), "SIX_CRYPTO: must be aes or sm")
	require.NotContains(t, err.Error(), "nowhere")
}

func TestRulesBetweenSettings(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		environ []string
		want    []string
	}{
		{"an AppID needs a secret", []string{"SIX_WECHAT_APP_ID=wx0"}, []string{"SIX_WECHAT_APP_SECRET"}},
		{"a secret needs an AppID", []string{"SIX_WECHAT_APP_SECRET=x"}, []string{"SIX_WECHAT_APP_ID"}},
		{"an unreadable secret is one fault", []string{"SIX_WECHAT_APP_ID=wx0", "SIX_WECHAT_APP_SECRET_FILE=/nowhere/x"},
			[]string{"SIX_WECHAT_APP_SECRET_FILE"}},
		{"the private listener is another one", []string{"SIX_LISTEN=:1", "SIX_PRIVATE_LISTEN=:1"}, []string{"SIX_PRIVATE_LISTEN"}},
		{"an upload is no smaller than a body", []string{"SIX_BODY_LIMIT=20M"}, []string{"SIX_UPLOAD_LIMIT"}},
		{"a bad listener is one fault", []string{"SIX_LISTEN=x"}, []string{"SIX_LISTEN"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(x.environ)
			require.Error(t, err)
			require.Equal(t, x.want, names(err))
		})
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	key := strings.Repeat("k", 31) + " "
	c, err := config.Load([]string{
		"SIX_SECRET_KEY_FILE=" + file("key", key+"\n"),
		"SIX_WECHAT_APP_ID=wx0", "SIX_WECHAT_APP_SECRET_FILE=" + file("secret", "abc\r\n"),
		"SIX_DATABASE_FILE=" + file("db", "mysql://u:p@h/n"),
	})
	require.NoError(t, err)
	require.Equal(t, key, c.SecretKey.Reveal(), "only the last line break is cut")
	require.Equal(t, "abc", c.WechatAppSecret.Reveal())
	require.Equal(t, "h:3306", c.Database.Addr)

	for name, path := range map[string]string{
		"missing": filepath.Join(dir, "none"), "a folder": dir, "empty": file("empty", "\n"),
		"endless": file("endless", strings.Repeat("x", 64<<10+1)),
	} {
		_, err = config.Load([]string{"SIX_SECRET_KEY_FILE=" + path})
		require.Error(t, err, name)
		require.Equal(t, []string{"SIX_SECRET_KEY_FILE"}, names(err), name)
		require.NotContains(t, err.Error(), dir, name)
	}
	_, err = config.Load([]string{"SIX_SECRET_KEY=" + key, "SIX_SECRET_KEY_FILE=" + filepath.Join(dir, "key")})
	require.ErrorContains(t, err, "not both")
}
