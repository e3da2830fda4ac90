package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sixelements/config"
	"sixelements/internal/nodes"
	"sixelements/model"
	"sixelements/model/seal"
	"sixelements/model/store"
)

// keySource answers the root keys, newest first.
type keySource func(cfg config.Config, log *slog.Logger) ([][]byte, error)

// openStore opens the configured database, migrated; on the embedded default the first start makes the root key. What is changed goes
// to the nodes that share it; nil: there are no others.
func openStore(ctx context.Context, cfg config.Config, log *slog.Logger, clock model.Clock, share *nodes.Redis) (*store.DB, error) {
	o := store.Options{Clock: clock, Log: log}
	if share != nil {
		o.Bus = share.Bus()
	}
	return openWith(ctx, cfg, o, madeKey)
}

// openBare opens the configured database as it is, for backup and restore.
func openBare(ctx context.Context, cfg config.Config, log *slog.Logger, keys keySource) (*store.DB, error) {
	return openWith(ctx, cfg, store.Options{Clock: time.Now, Log: log, Bare: true}, keys)
}

// openNodes is what SIX_REDIS says the nodes share; nil when it says nothing.
func openNodes(cfg config.Config, log *slog.Logger) (*nodes.Redis, error) {
	if cfg.Redis == "" {
		return nil, nil // one node shares nothing
	}
	return nodes.Open(cfg.Redis.Reveal(), log)
}

func openWith(ctx context.Context, cfg config.Config, o store.Options, keys keySource) (*store.DB, error) {
	suite, err := seal.ParseSuite(cfg.Crypto)
	if err != nil {
		return nil, err
	}
	roots, err := keys(cfg, o.Log)
	if err != nil {
		return nil, err
	}
	if o.Keyring, err = seal.NewKeyring(suite, o.Clock, roots...); err != nil {
		return nil, err
	}
	o.Dialect, o.Path, o.DSN = store.Dialect(cfg.Database.Dialect), cfg.Database.Path, cfg.Database.DSN.Reveal()
	o.Suite = suite
	return store.Open(ctx, o, !o.Bare)
}

// keyFile holds the root key of an embedded installation that was given none.
const keyFile = "secret.key"

// noKey is for what reads sealed values as they are: a backup needs no key.
func noKey(config.Config, *slog.Logger) ([][]byte, error) {
	root, err := seal.NewRoot()
	if err != nil {
		return nil, err
	}
	return seal.ParseRoots(root)
}

// givenKey are the configured keys, or those of the key file.
func givenKey(cfg config.Config, _ *slog.Logger) ([][]byte, error) {
	if text := cfg.SecretKey.Reveal(); text != "" {
		roots, err := seal.ParseRoots(text)
		if err == nil {
			return roots, nil
		}
		if strings.ContainsRune(text, '\n') {
			return nil, err // several keys, one of them malformed
		}
		root, err := hkdf.Key(sha256.New, []byte(text), nil, "six root key", 32) // a passphrase of at least 32 characters
		return [][]byte{root}, err
	}
	if cfg.Database.Dialect != config.SQLite {
		return nil, errors.New("SIX_SECRET_KEY or SIX_SECRET_KEY_FILE is needed with mysql:// (several nodes share one key)")
	}
	text, err := os.ReadFile(keyPath(cfg))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the root key is missing: put it back at %s, or give SIX_SECRET_KEY_FILE: %w", keyPath(cfg), fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	return seal.ParseRoots(string(text))
}

func keyPath(cfg config.Config) string { return filepath.Join(cfg.Data, keyFile) }

// madeKey is givenKey, but for an embedded database that is not there yet a key is made.
func madeKey(cfg config.Config, log *slog.Logger) ([][]byte, error) {
	roots, err := givenKey(cfg, log)
	if !errors.Is(err, fs.ErrNotExist) {
		return roots, err
	}
	if info, serr := os.Stat(cfg.Database.Path); serr == nil && info.Size() > 0 {
		return nil, err // a new key would not open what is there
	}
	root, err := seal.NewRoot()
	if err != nil {
		return nil, err
	}
	if err := writeKey(keyPath(cfg), root); err != nil {
		return nil, err
	}
	log.Warn("a root key was made: back it up apart from the data; without it nothing sealed can be read", "file", keyPath(cfg))
	return seal.ParseRoots(root)
}

func writeKey(path, root string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(root + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
