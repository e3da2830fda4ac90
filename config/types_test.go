package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"sixelements/config"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2hunter2hunter2hunter2"
	c, err := config.Load([]string{
		"SIX_SECRET_KEY=" + secret, "SIX_DATABASE=mysql://u:" + secret + "@h/n", "SIX_REDIS=redis://:" + secret + "@h",
		"SIX_WECHAT_APP_ID=wx0", "SIX_WECHAT_APP_SECRET=" + secret,
	})
	require.NoError(t, err)
	require.Equal(t, secret, c.SecretKey.Reveal())

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%10.3s", "%t"} {
		_, _ = fmt.Fprintf(&out, verb+verb+verb, c, &c, c.SecretKey)
		_, _ = fmt.Fprintf(&out, verb, c.Database)
	}
	require.NoError(t, json.NewEncoder(&out).Encode(c))
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("start", "config", c, "key", c.SecretKey, "database", c.Database)
	}
	require.Contains(t, out.String(), "***")
	require.NotContains(t, out.String(), secret)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", secret))
	require.NotContains(t, out.String(), fmt.Sprintf("%X", secret))
	require.Empty(t, config.Secret("").String(), "one can see that none is set")
}

func TestTheDatabaseIsTakenApart(t *testing.T) {
	t.Parallel()
	d, err := config.ParseDatabase("mysql://six%3A:p%40ss%2Fw%3Ard%25%28%3F@db.example:3307/si%20x")
	require.Error(t, err, "a user name with a colon would be cut there by the driver")
	require.Zero(t, d)

	d, err = config.ParseDatabase("mysql://six%40:p%40ss%2Fw%3Ard%25%28%3F@db.example:3307/si-x")
	require.NoError(t, err)
	require.Equal(t, config.MySQL, d.Dialect)
	require.Equal(t, "mysql://six@:***@db.example:3307/si-x", d.String())
	c, err := mysql.ParseDSN(d.DSN.Reveal())
	require.NoError(t, err)
	require.Equal(t, "six@", c.User)
	require.Equal(t, "p@ss/w:rd%(?", c.Passwd)
	require.Equal(t, "tcp", c.Net)
	require.Equal(t, "db.example:3307", c.Addr)
	require.Equal(t, "si-x", c.DBName)
	require.False(t, c.ParseTime)
	require.True(t, c.ClientFoundRows)
	require.True(t, c.InterpolateParams)
	require.Equal(t, time.UTC, c.Loc)
	require.Equal(t, "utf8mb4_bin", c.Collation)
	require.Contains(t, d.DSN.Reveal(), "charset=utf8mb4&")
	require.Equal(t, [3]time.Duration{5 * time.Second, 30 * time.Second, 30 * time.Second},
		[3]time.Duration{c.Timeout, c.ReadTimeout, c.WriteTimeout})

	for text, addr := range map[string]string{
		"mysql://u:p@h/n": "h:3306", "mysql://u@h:1/n": "h:1", "mysql://u:p@[::1]:2/n": "[::1]:2",
		"mysql://u:p@10.0.0.1/n": "10.0.0.1:3306",
	} {
		d, err = config.ParseDatabase(text)
		require.NoError(t, err, text)
		require.Equal(t, addr, d.Addr)
	}
	d, err = config.ParseDatabase("sqlite:/srv/数据/six.db")
	require.NoError(t, err)
	require.Equal(t, config.Database{Dialect: config.SQLite, Path: "/srv/数据/six.db"}, d)
}

func TestSizesAreReadAndWrittenAlike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"0": 0, "1": 1, "1K": 1 << 10, "12M": 12 << 20, "3G": 3 << 30, "1025": 1025} {
		var s config.Size
		require.NoError(t, s.UnmarshalText([]byte(text)))
		require.Equal(t, want, s)
		require.Equal(t, text, s.String())
	}
	for _, text := range []string{"", "M", "-1", "1k", "1MB", "1.5M", "+1", " 1", "1KM", "99999999999"} {
		var s config.Size
		require.Error(t, s.UnmarshalText([]byte(text)), text)
	}
}

func TestEveryFieldOfTheStructIsDescribed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, config.Help(&out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	shape := reflect.TypeFor[config.Config]()
	n := 0
	for i := range shape.NumField() {
		f := shape.Field(i)
		name := f.Tag.Get("env")
		require.NotEmpty(t, name, "%s has no env tag", f.Name)
		if name == "-" {
			continue
		}
		require.Regexp(t, `^[A-Z][A-Z_]*[A-Z]$`, name, f.Name)
		require.NotEmpty(t, f.Tag.Get("desc"), f.Name)
		require.NotEmpty(t, f.Tag.Get("allow"), f.Name)
		require.Equal(t, f.Tag.Get("min") == "", f.Tag.Get("max") == "", f.Name)
		line := lines[n]
		n++
		want := "SIX_" + name
		if f.Type == reflect.TypeFor[config.Secret]() {
			want += "[_FILE]"
		}
		require.Equal(t, want, strings.Fields(line)[0])
		require.Contains(t, line, f.Tag.Get("desc")+" ("+f.Tag.Get("allow")+")")
		limits(t, f)
	}
	require.Len(t, lines, n)
	for _, want := range []string{"127.0.0.1:8080", " 30s ", " 12M ", " info ", " on ", "sqlite: and SIX_DATA/six.db"} {
		require.Contains(t, out.String(), want)
	}
}

// limits checks that a field's min and max tags can be read, in its own type.
func limits(t *testing.T, f reflect.StructField) {
	t.Helper()
	for _, tag := range []string{f.Tag.Get("min"), f.Tag.Get("max")} {
		if tag == "" {
			continue
		}
		_, err := config.Load([]string{"SIX_" + f.Tag.Get("env") + "=" + tag, "SIX_UPLOAD_LIMIT=256M"})
		if f.Name != "UploadLimit" {
			require.NoError(t, err, f.Name)
		}
		require.Contains(t, f.Tag.Get("allow"), tag, "%s says what it allows", f.Name)
	}
}

func FuzzParseDatabase(f *testing.F) {
	for _, s := range []string{
		"sqlite:x", "mysql://u:p@h:3306/n", "mysql://u%40:%2F@[::1]/n", "mysql:", "sqlite::memory:", "mysql://u:p@h/a%2Fb",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := config.ParseDatabase(s)
		if err != nil {
			require.Zero(t, d)
			return
		}
		if d.Dialect == config.SQLite {
			require.NotEmpty(t, d.Path)
			return
		}
		c, err := mysql.ParseDSN(d.DSN.Reveal())
		require.NoError(t, err)
		require.Equal(t, []string{"tcp", d.Addr, d.User, d.Name}, []string{c.Net, c.Addr, c.User, c.DBName})
		require.True(t, c.ClientFoundRows)
	})
}

func FuzzLoad(f *testing.F) {
	f.Add("SIX_LISTEN=:1", "SIX_WECHAT_VERIFY=a.txt:b")
	f.Add("SIX_TRUSTED_PROXIES=,", "SIX_BASE_URL=http://[::1]:x")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.Contains(a+b, "_FILE=") {
			t.Skip("no reading of arbitrary files")
		}
		_, err := config.Load([]string{a, b})
		if err == nil {
			return
		}
		for _, kv := range []string{a, b} {
			if _, value, _ := strings.Cut(kv, "="); len(value) > 60 {
				require.NotContains(t, err.Error(), value)
			}
		}
	})
}
