package config

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Prefix begins the name of every variable.
const Prefix = "SIX_"

// maxSecret is the longest content of a _FILE, in bytes.
const maxSecret = 64 << 10

// Fault is one thing wrong with the environment. It names the variable and never holds its value.
type Fault struct {
	Name string // e.g. SIX_LISTEN
	Says string // what is wrong, or what is allowed; English, no full stop
}

// Error is one line.
func (f Fault) Error() string { return f.Name + ": " + f.Says }

// Load reads the settings from environ ("NAME=value" lines as of os.Environ; of several for one name the last one counts, so that
// a command can append what its flags say). A variable that is empty counts as not given.
//
// The error is errors.Join of every Fault there is, one line each; then the Config is not to be used.
func Load(environ []string) (Config, error) {
	l := &loader{env: map[string]string{}}
	for name, value := range env.ToMap(environ) {
		if strings.HasPrefix(name, Prefix) && value != "" {
			l.env[name] = value
		}
	}
	c := Default()
	l.unknown()
	l.files()
	l.parse(&c)
	l.derive(&c)
	l.check(&c)
	return c, l.err()
}

// loader collects faults, at most one for each variable.
type loader struct {
	env    map[string]string
	faults []Fault
}

func (l *loader) add(name, says string) {
	if !l.bad(name) {
		l.faults = append(l.faults, Fault{name, says})
	}
}

// bad tells whether a variable has a fault already.
func (l *loader) bad(name string) bool {
	return slices.ContainsFunc(l.faults, func(f Fault) bool { return f.Name == name })
}

// must notes that the variable is not what its allow tag says.
func (l *loader) must(name string) {
	for _, v := range variables() {
		if v.Name == name {
			l.add(name, "must be "+v.Allow)
		}
	}
}

func (l *loader) err() error {
	slices.SortStableFunc(l.faults, func(a, b Fault) int { return strings.Compare(a.Name, b.Name) })
	var all []error
	for _, f := range l.faults {
		all = append(all, f)
	}
	return errors.Join(all...)
}

// unknown notes variables that nobody reads: a setting with a typo is worse than none. Those of the test suite are let through.
func (l *loader) unknown() {
	known := map[string]bool{Prefix + "LONG": true}
	for _, v := range variables() {
		known[v.Name] = true
		if v.Secret {
			known[v.Name+"_FILE"] = true
		}
	}
	for name := range l.env {
		if !known[name] && !strings.HasPrefix(name, Prefix+"TEST_") {
			l.add(name, "is not a known variable; the help lists them all")
		}
	}
}

// files puts the content of every NAME_FILE in place of NAME.
func (l *loader) files() {
	for _, v := range variables() {
		path := l.env[v.Name+"_FILE"]
		switch {
		case !v.Secret || path == "":
			continue
		case l.env[v.Name] != "":
			l.add(v.Name, "is given twice; set it or "+v.Name+"_FILE, not both")
			continue
		}
		content, says := readSecret(path)
		if says != "" {
			l.add(v.Name+"_FILE", says)
			continue
		}
		l.env[v.Name] = content
	}
}

// readSecret is the content without its last line break, or what is wrong. The path is not repeated: it may be the secret itself,
// put into the wrong variable.
func readSecret(path string) (content, says string) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "names a file that does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "", "names a file that may not be read"
	case err != nil:
		return "", "names a file that cannot be read"
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	content = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case err != nil:
		return "", "names a file that cannot be read"
	case len(b) > maxSecret:
		return "", "names a file that is too long for a secret"
	case content == "":
		return "", "names a file that is empty"
	}
	return content, ""
}

// parse fills c. The parser's error texts repeat values, so only the field's name is taken from them.
func (l *loader) parse(c *Config) {
	err := env.ParseWithOptions(c, env.Options{Environment: l.env, Prefix: Prefix})
	var all env.AggregateError
	if !errors.As(err, &all) {
		return
	}
	for _, e := range all.Errors {
		var p env.ParseError
		if !errors.As(e, &p) {
			l.add(Prefix+"*", "cannot be read") // a mistake in the struct's tags; the tests read them all
			continue
		}
		if f, ok := reflect.TypeFor[Config]().FieldByName(p.Name); ok {
			l.must(Prefix + f.Tag.Get("env"))
		}
	}
}

// derive sets what depends on other settings.
func (l *loader) derive(c *Config) {
	if c.BaseURL == "" {
		c.BaseURL = "http://" + reachable(c.Listen)
	}
	if c.DatabaseURL == "" && c.Data != "" {
		c.DatabaseURL = Secret("sqlite:" + filepath.Join(c.Data, "six.db"))
	}
}

// reachable is an address to listen on as an address to call.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
