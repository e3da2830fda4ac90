package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"sixelements/config"
	"sixelements/internal/app"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
	"sixelements/service/wechat"
)

// place is where the program keeps things under SIX_DATA.
func place(cfg config.Config, name string) string { return filepath.Join(cfg.Data, name) }

func newLogger(cfg config.Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// appOptions are the product's options as configured.
func appOptions(cfg config.Config, log *slog.Logger, clock model.Clock) app.Options {
	return app.Options{Data: cfg.Data, BaseURL: cfg.BaseURL, Version: version(), WebForm: bool(cfg.WebForm), RateLimit: bool(cfg.RateLimit),
		TrustedProxies: cfg.TrustedProxies, MaxBody: int64(max(cfg.BodyLimit, cfg.UploadLimit)), Workers: cfg.Workers, Log: log, Clock: clock,
		WeChat: wechat.Options{AppID: cfg.WechatAppID, AppSecret: cfg.WechatAppSecret.Reveal(), Verify: cfg.WechatVerify, Redis: cfg.Redis.Reveal()},
		Ready: func(context.Context) error {
			free, err := freeSpace(cfg.Data)
			if err == nil && free < uint64(cfg.MinFreeDisk) {
				return fmt.Errorf("only %d MB are free", free>>20)
			}
			return nil
		}}
}

// openStore opens the configured database, migrated.
func openStore(ctx context.Context, cfg config.Config, log *slog.Logger, clock model.Clock, bare bool) (*store.DB, error) {
	suite, err := seal.ParseSuite(cfg.Crypto)
	if err != nil {
		return nil, err
	}
	roots, err := rootKeys(cfg, log)
	if err != nil {
		return nil, err
	}
	ring, err := seal.NewKeyring(suite, clock, roots...)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Options{Dialect: store.Dialect(cfg.Database.Dialect), Path: cfg.Database.Path, DSN: cfg.Database.DSN.Reveal(),
		Keyring: ring, Suite: suite, Clock: clock, Log: log, Bare: bare}, true)
}

// keyFile holds the root key of an embedded installation that was given none.
const keyFile = "secret.key"

// rootKeys are the configured ones, newest first; on the embedded default the one that was made at the first start.
func rootKeys(cfg config.Config, log *slog.Logger) ([][]byte, error) {
	if text := cfg.SecretKey.Reveal(); text != "" {
		roots, err := seal.ParseRoots(text)
		if err == nil {
			return roots, nil
		}
		root, err := hkdf.Key(sha256.New, []byte(text), nil, "six root key", 32) // a passphrase of at least 32 characters
		return [][]byte{root}, err
	}
	if cfg.Database.Dialect != config.SQLite {
		return nil, errors.New("SIX_SECRET_KEY or SIX_SECRET_KEY_FILE is needed with mysql:// (several nodes share one key)")
	}
	path := place(cfg, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKeyFile(path)
		log.Warn("a root key was made: back it up apart from the data; without it nothing sealed can be read", "file", path)
	}
	if err != nil {
		return nil, err
	}
	return seal.ParseRoots(string(text))
}

func makeKeyFile(path string) ([]byte, error) {
	root, err := seal.NewRoot()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(root + "\n")
	return []byte(root), errors.Join(err, f.Sync(), f.Close())
}
