package model

import (
	"errors"
	"fmt"
	"strings"
)

// Code is a stable English name of a kind of problem; contract.md lists them, texts.go has their Chinese.
type Code string

// The problem codes. The number behind each is the HTTP status that api gives it.
const (
	AuthRequired          Code = "auth.required"              // 401
	AuthInvalid           Code = "auth.invalid"               // 401
	AuthExpired           Code = "auth.expired"               // 401
	RoleForbidden         Code = "role.forbidden"             // 403
	ConsentRequired       Code = "consent.required"           // 403
	ConsentSensitive      Code = "consent.sensitive_required" // 403
	SelfVerify            Code = "transition.self_verify"     // 403
	SelfClose             Code = "transition.self_close"      // 403
	NotFound              Code = "not_found"                  // 404
	QRUnknown             Code = "qr.unknown"                 // 404
	MethodNotAllowed      Code = "method.not_allowed"         // 405
	IDConflict            Code = "record.id_conflict"         // 409
	NotAllowed            Code = "transition.not_allowed"     // 409
	AreaNotEmpty          Code = "area.not_empty"             // 409
	Conflict              Code = "conflict"                   // 409
	QRRevoked             Code = "qr.revoked"                 // 410
	Stale                 Code = "record.stale"               // 412
	TooLarge              Code = "request.too_large"          // 413
	MediaUnsupported      Code = "media.unsupported"          // 415
	Invalid               Code = "validation.failed"          // 422
	QRRequired            Code = "qr.required"                // 422
	PlaceRequired         Code = "place.required"             // 422
	FieldUnknown          Code = "field.unknown"              // 422
	FieldMasked           Code = "field.masked"               // 422
	SearchUsePost         Code = "search.use_post"            // 422
	AttachmentUnknown     Code = "attachment.unknown"         // 422
	LinkUnknown           Code = "link.unknown"               // 422
	AuthLocked            Code = "auth.locked"                // 423
	DependencyFailed      Code = "dependency.failed"          // 424
	PreconditionRequired  Code = "precondition.required"      // 428
	RateLimited           Code = "rate.limited"               // 429
	Malformed             Code = "request.malformed"          // 400
	PreconditionMalformed Code = "precondition.malformed"     // 400
	Internal              Code = "internal"                   // 500
	Busy                  Code = "server.busy"                // 503
)

// The codes of a single field's error inside validation.failed, beside those above.
const (
	FieldRequired Code = "field.required"
	FieldInvalid  Code = "field.invalid"
	FieldTooLong  Code = "field.too_long"
	FieldRange    Code = "field.out_of_range"
	FieldChoice   Code = "field.not_a_choice"
)

// FieldError is what is wrong with one field. It never holds what was sent.
type FieldError struct {
	Location string `json:"location" doc:"which field, e.g. data.id_no"`
	Message  string `json:"message" doc:"what is wrong and what to do, in Chinese"`
	Code     Code   `json:"code"`
}

// Error is a problem a caller can act on. Everything that is not an Error is a fault of ours, logged and answered as a bare 500.
type Error struct {
	Code   Code
	Detail string       // replaces the catalogue's sentence where a more exact one helps
	Fields []FieldError // what is wrong where
	// Version is the current version behind a Stale error, for the ETag.
	Version int64
	// RetryAfter is in seconds, for RateLimited, AuthLocked and Busy.
	RetryAfter int
}

// Error names code and locations for logs; it never holds a value that was sent.
func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return string(e.Code)
	}
	var at []string
	for _, f := range e.Fields {
		at = append(at, f.Location+":"+string(f.Code))
	}
	return fmt.Sprintf("%s [%s]", e.Code, strings.Join(at, " "))
}

// Is makes errors.Is(err, &Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// Fail is an Error with the catalogue's text.
func Fail(c Code) *Error { return &Error{Code: c} }

// Failf is an Error with a Chinese sentence of its own.
func Failf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// IsCode tells whether err is an Error with the code.
func IsCode(err error, c Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == c
}

// Faults collects the errors of fields; its zero value is ready.
type Faults []FieldError

// Add notes a fault.
func (f *Faults) Add(location string, c Code, message string) {
	*f = append(*f, FieldError{Location: location, Message: message, Code: c})
}

// topLevel are the codes that become the problem's own when they are the only fault.
var topLevel = map[Code]bool{FieldUnknown: true, FieldMasked: true, QRRequired: true, PlaceRequired: true, SearchUsePost: true,
	AttachmentUnknown: true, LinkUnknown: true}

// Err is nil without faults. A single fault that has a problem code of its own becomes that problem, several become
// validation.failed (contract.md, the last lines of section 7).
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	e := &Error{Code: Invalid, Fields: f}
	if len(f) == 1 && topLevel[f[0].Code] {
		e.Code, e.Detail = f[0].Code, f[0].Message
	}
	return e
}
