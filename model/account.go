package model

import (
	"bytes"
	"database/sql/driver"
	"fmt"
)

// AccountKind tells how an account came to be.
type AccountKind string

// The kinds of account.
const (
	Named   AccountKind = "named"  // user name and password
	WeChat  AccountKind = "wechat" // made at the first log-in from WeChat
	Scanner AccountKind = "scan"   // the web form without WeChat: one building and browser
	Persona AccountKind = "demo"   // demo mode only
)

// Account is who can log in. What it may do is in its grants.
type Account struct {
	ID           ID `gorm:"primaryKey"`
	Kind         AccountKind
	Username     *string // unique; NULL for accounts without a password
	Name         string
	PasswordHash string // argon2id, PHC format
	OTPSecret    []byte // sealed; set: a second factor is needed
	OpenIDIndex  Bytes  // blind index of the WeChat openid, unique
	OpenID       []byte // sealed
	Phone        []byte // sealed
	PhoneIndex   []byte
	BuildingID   ID // a scan account's building
	Disabled     bool
	Failed       int // wrong passwords in a row
	LockedUntil  Time
	CreatedAt    Time `gorm:"autoCreateTime:false"`
	CreatedBy    ID
	Version      int64
}

// Bytes are bytes that are NULL when there are none, in both databases: SQLite's driver writes a nil []byte as an empty value, and
// two empty values break a unique index where two NULLs do not.
type Bytes []byte

// Value is the bytes, or NULL when there are none.
func (b Bytes) Value() (driver.Value, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return []byte(b), nil
}

// Scan reads bytes or NULL.
func (b *Bytes) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = bytes.Clone(v)
	default:
		return fmt.Errorf("bytes cannot be read from %T", src)
	}
	return nil
}

// GrantRow is a role an account holds, or once held, for an area.
type GrantRow struct {
	ID        ID `gorm:"primaryKey"`
	AccountID ID
	Role      Role
	AreaCode  string
	GrantedAt Time
	GrantedBy ID
	EndedAt   Time
}

// TableName is "grants".
func (GrantRow) TableName() string { return "grants" }

// Session is a log-in. The token itself is never stored, only its hash.
type Session struct {
	ID         ID `gorm:"primaryKey"`
	AccountID  ID
	TokenHash  []byte
	CSRFHash   []byte // a cookie session's; NULL for bearer tokens
	BuildingID ID
	Console    bool // idles out after 30 minutes
	CreatedAt  Time `gorm:"autoCreateTime:false"`
	LastSeen   Time
	ExpiresAt  Time
	RevokedAt  Time
	Source     string
	Agent      string
}

// Consent is what an account agreed to: which version of the notice, for which data, when.
type Consent struct {
	ID        ID `gorm:"primaryKey"`
	AccountID ID
	Version   string
	Scopes    Choices
	At        Time
}

// Assignment is a collector's post from one day to another.
type Assignment struct {
	ID         ID `gorm:"primaryKey"`
	AccountID  ID
	BuildingID ID
	Unit       string
	AreaCode   string
	Street     string // where the post lies, for lists
	Team       string
	FromAt     Time
	ToAt       Time // 0 = open end
	CreatedAt  Time `gorm:"autoCreateTime:false"`
	CreatedBy  ID
	EndedAt    Time
}

// Visit is one attempt to reach a room; append-only.
type Visit struct {
	ID         ID `gorm:"primaryKey"`
	RoomID     ID
	BuildingID ID
	AreaCodes  `gorm:"embedded"`
	AccountID  ID
	Name       string
	Method     string
	Outcome    string
	Note       []byte // sealed under the keyring
	Lon        *float64
	Lat        *float64
	At         Time // on the device
	ReceivedAt Time
	Late       bool
	Hash       []byte // of the canonical request: a repeat is a replay
}

// Audit is a row of the trace of everything that is not a change of a record. Rows are appended unchained; whoever holds the lease
// seals them into the chain a moment later.
type Audit struct {
	ID        ID `gorm:"primaryKey"`
	At        Time
	ActorID   ID
	ActorRole Role
	ActorName string
	Act       string
	Target    string
	AreaCode  string
	Street    string // of AreaCode, for lists
	Result    string // ok, or a problem code
	Detail    string // never a value of a person's
	Source    string
	RequestID string
	Seq       *int64
	Hash      []byte
}

// TableName is "audit".
func (Audit) TableName() string { return "audit" }

// JobState tells how far a job is.
type JobState string

// The states of a job.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Job is work done after a commit, claimed by one worker at a time under a lease.
type Job struct {
	ID         ID `gorm:"primaryKey"`
	OwnerID    ID
	Kind       string
	State      JobState
	Payload    []byte // sealed JSON
	Done       int64
	Total      int64
	Problem    string // JSON of the problem, empty unless failed
	FileName   string
	FileBytes  int64
	FileSHA256 []byte
	RunAt      Time
	LeaseUntil Time
	LeaseBy    ID
	Attempts   int
	CreatedAt  Time `gorm:"autoCreateTime:false"`
	EndedAt    Time
	AreaCode   string
}

// Attachment is a photo: its bytes are in the blob store under its id.
type Attachment struct {
	ID        ID `gorm:"primaryKey"`
	OwnerID   ID
	RecordID  ID // NULL until a record uses it
	Mime      string
	Bytes     int64
	Width     int
	Height    int
	SHA256    []byte `gorm:"column:sha256"`
	CreatedAt Time   `gorm:"autoCreateTime:false"`
}

// Setting is a value that the installation keeps: the notice in force, the sealed index key.
type Setting struct {
	Name      string `gorm:"primaryKey"`
	Value     []byte
	UpdatedAt Time `gorm:"autoUpdateTime:false"`
}

// ScanPass notes that an account posted to a building with its code, so that it may come back by the building's id.
type ScanPass struct {
	AccountID  ID `gorm:"primaryKey"`
	BuildingID ID `gorm:"primaryKey"`
	At         Time
}
