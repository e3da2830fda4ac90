package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"sixelements/config"
	"sixelements/internal/app"
	"sixelements/model"
	"sixelements/service/wechat"
)

// place is where the program keeps things under SIX_DATA.
func place(cfg config.Config, name string) string { return filepath.Join(cfg.Data, name) }

// newLogger writes lines that name the machine they come from: those of several nodes end up in one place.
func newLogger(cfg config.Config, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "text" { // read where it is written
		return slog.New(slog.NewTextHandler(w, o))
	}
	log := slog.New(slog.NewJSONHandler(w, o))
	if node, err := os.Hostname(); err == nil {
		log = log.With("node", node)
	}
	return log
}

// appOptions are the product's options as configured.
func appOptions(cfg config.Config, log *slog.Logger, clock model.Clock) app.Options {
	return app.Options{Data: cfg.Data, BaseURL: cfg.BaseURL, Version: version(), WebForm: bool(cfg.WebForm), RateLimit: bool(cfg.RateLimit),
		TrustedProxies: cfg.TrustedProxies, MaxBody: int64(max(cfg.BodyLimit, cfg.UploadLimit)), Workers: cfg.Workers, Log: log, Clock: clock,
		WeChat: wechat.Options{AppID: cfg.WechatAppID, AppSecret: cfg.WechatAppSecret.Reveal(), Verify: cfg.WechatVerify},
		Ready: func(context.Context) error {
			free, err := freeSpace(cfg.Data)
			if err == nil && free < uint64(cfg.MinFreeDisk) {
				return fmt.Errorf("only %d MB are free", free>>20)
			}
			return nil
		}}
}
