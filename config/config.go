// Package config reads the settings of the program from the environment: SIX_* variables, and for secrets SIX_*_FILE as well.
// Only main imports it; every other package takes a small options struct of its own.
package config

import (
	"log/slog"
	"time"
)

// Config is every setting. The tags are the whole truth about a variable: env its name without the prefix SIX_, desc what it is
// for, allow what it may be (used in faults and in Help), oneof, min and max the same for the program, derived what it becomes
// when it is left empty. (A tag cannot be broken over lines; hence their length.)
type Config struct {
	Listen  string `env:"LISTEN" desc:"address to serve on" allow:"host:port or :port, e.g. 127.0.0.1:8080"`
	BaseURL string `env:"BASE_URL" desc:"address that people and QR codes use" allow:"http(s)://host or http(s)://host:port, nothing after it" derived:"http:// and SIX_LISTEN"`
	Data    string `env:"DATA" desc:"folder for the database, photos and exports" allow:"a path"`

	// DatabaseURL may hold a password; Database is what it means.
	DatabaseURL Secret   `env:"DATABASE" desc:"database" allow:"sqlite:PATH or mysql://user:password@host:port/name, with :/?#@% in user or password written as %XX" derived:"sqlite: and SIX_DATA/six.db"`
	Database    Database `env:"-"`

	SecretKey        Secret   `env:"SECRET_KEY" desc:"root of all keys; lose it and sealed data is lost" allow:"at least 32 characters, e.g. the output of: openssl rand -base64 32"`
	Crypto           string   `env:"CRYPTO" desc:"suite for sealed fields: aes = AES-256-GCM and HMAC-SHA256, sm = SM4-GCM and HMAC-SM3" allow:"aes or sm" oneof:"aes sm"`
	BackupPassphrase Secret   `env:"BACKUP_PASSPHRASE" desc:"opens and closes backups where no age keys are given" allow:"at least 12 characters"`
	BackupRecipient  []string `env:"BACKUP_RECIPIENT" desc:"public keys that backups are encrypted to" allow:"age public keys (age1…), separated by commas"`

	WebForm        Switch   `env:"WEB_FORM" desc:"lets residents submit from a browser, without WeChat" allow:"on or off"`
	TrustedProxies []string `env:"TRUSTED_PROXIES" desc:"proxies whose X-Forwarded-For is believed" allow:"addresses or networks, e.g. 10.0.0.5,10.1.0.0/16, separated by commas; not everyone (/0)"`
	RateLimit      Switch   `env:"RATE_LIMIT" desc:"limits on requests; off is for load tests only" allow:"on or off"`
	PrivateListen  string   `env:"PRIVATE_LISTEN" desc:"address for /metrics and pprof, off when empty; keep it away from the public" allow:"host:port, another than SIX_LISTEN"`

	WechatAppID     string            `env:"WECHAT_APP_ID" desc:"mini-program's AppID" allow:"letters, digits, - and _, together with SIX_WECHAT_APP_SECRET"`
	WechatAppSecret Secret            `env:"WECHAT_APP_SECRET" desc:"mini-program's AppSecret" allow:"letters, digits, - and _, together with SIX_WECHAT_APP_ID"`
	WechatVerify    map[string]string `env:"WECHAT_VERIFY" desc:"verify files that WeChat looks for under /q/" allow:"name.txt:content, separated by commas; names of letters, digits, - and _"`
	Redis           Secret            `env:"REDIS" desc:"Redis shared by several nodes" allow:"redis://user:password@host:port/number or rediss://…"`

	Workers         int           `env:"WORKERS" desc:"background jobs at once" allow:"1 to 64" min:"1" max:"64"`
	RequestTimeout  time.Duration `env:"REQUEST_TIMEOUT" desc:"longest time for one request" allow:"5s to 10m" min:"5s" max:"10m"`
	Drain           time.Duration `env:"DRAIN" desc:"how long the service goes on at the end while /readyz says no: longer than a balancer's checks take to notice" allow:"0s to 5m" min:"0s" max:"5m"`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" desc:"longest wait for running requests at the end" allow:"1s to 10m" min:"1s" max:"10m"`
	BodyLimit       Size          `env:"BODY_LIMIT" desc:"largest request body" allow:"64K to 64M" min:"64K" max:"64M"`
	UploadLimit     Size          `env:"UPLOAD_LIMIT" desc:"largest upload of a photo or spreadsheet" allow:"1M to 256M, no less than SIX_BODY_LIMIT" min:"1M" max:"256M"`
	MinFreeDisk     Size          `env:"MIN_FREE_DISK" desc:"free space under SIX_DATA below which the service says it is not ready" allow:"0 to 1024G" min:"0" max:"1024G"`

	LogLevel  slog.Level `env:"LOG_LEVEL" desc:"least important line logged" allow:"debug, info, warn or error" oneof:"debug info warn error"`
	LogFormat string     `env:"LOG_FORMAT" desc:"shape of log lines" allow:"json or text" oneof:"json text"`
}

// Default is what holds where the environment says nothing. What depends on other settings is derived by Load.
func Default() Config {
	return Config{
		Listen:          "127.0.0.1:8080",
		Data:            "./data",
		Crypto:          "aes",
		WebForm:         false,
		RateLimit:       true,
		Workers:         2,
		RequestTimeout:  30 * time.Second, // above the 3.5 s that a cluster stalls when a node dies
		ShutdownTimeout: 20 * time.Second,
		BodyLimit:       1 << 20,
		UploadLimit:     12 << 20, // a photo of 10 MB and its envelope
		MinFreeDisk:     512 << 20,
		LogLevel:        slog.LevelInfo,
		LogFormat:       "json",
	}
}
