package attach

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"sixelements/model"
	"sixelements/model/store"
)

const (
	atOnce     = 2                // pictures decoded at the same time: up to 165 MB each
	unusedMost = 50               // of an account in a day, so that nobody uses the server as a disk
	perRecord  = 50               // attachments that one record may claim at once
	linkLife   = 15 * time.Minute // a page is read in that time
	patience   = 20 * time.Second // for one's turn to send, and to decode

	arrivingAtOnce = 32 // uploads held in memory while they come: up to 10 MB each
)

// Service keeps the photos. Make it with New.
type Service struct {
	db    *store.DB
	blobs Blobs
	base  string
	log   *slog.Logger
	// A place per upload that arrives, and per one that is decoded.
	arriving, turn chan struct{}
}

// New makes the service; log is told of files that are missing. base stands before the path in links: empty for links that hold under
// whatever address the page came.
func New(db *store.DB, blobs Blobs, base string, log *slog.Logger) *Service {
	return &Service{db: db, blobs: blobs, base: base, log: log, arriving: make(chan struct{}, arrivingAtOnce),
		turn: make(chan struct{}, atOnce)}
}

// View is an attachment as clients see it; the links hold for 15 minutes.
type View struct {
	ID       model.ID `json:"id"`
	URL      string   `json:"url"`
	ThumbURL string   `json:"thumb_url"`
	Mime     string   `json:"mime"`
	Width    int      `json:"width" doc:"pixels"`
	Height   int      `json:"height" doc:"pixels"`
	Bytes    int64    `json:"bytes"`
}

// Upload keeps a photo that no record uses yet.
//
// Errors: request.too_large, media.unsupported as Process; rate.limited for more than 50 unused ones in a day; server.busy when too
// many are being read. An error of r comes back wrapped.
func (s *Service) Upload(ctx context.Context, r io.Reader) (View, error) {
	if err := s.db.Read(ctx, withinDay); err != nil { // before the work is done; judged again when it is written
		return View{}, err
	}
	p, err := s.process(ctx, r)
	if err != nil {
		return View{}, err
	}
	a := &model.Attachment{ID: model.NewID(), OwnerID: store.ActorOf(ctx).Account, Mime: p.Mime, Bytes: int64(len(p.Data)),
		Width: p.Width, Height: p.Height, SHA256: p.SHA256[:], CreatedAt: s.db.Now()}
	// The files come first: a row without its files would be a photo lost, files without a row are swept away.
	err = errors.Join(s.put(ctx, a.ID, full, p.Data), s.put(ctx, a.ID, thumb, p.Thumb))
	if err == nil {
		err = s.db.Write(ctx, model.Act{Name: "attachment.create", Target: a.ID.String()}, func(tx *store.Tx) error {
			if err := withinDay(tx); err != nil {
				return err
			}
			return tx.Add(a)
		})
	}
	if err != nil {
		return View{}, errors.Join(err, s.Erase(context.WithoutCancel(ctx), a.ID))
	}
	return s.view(a), nil
}

// process reads the upload, then waits for its turn to decode it: pictures take memory. The turn begins when all of it is there, or
// two phones on a bad line would keep everybody else waiting.
func (s *Service) process(ctx context.Context, r io.Reader) (*Picture, error) {
	if err := wait(ctx, s.arriving); err != nil {
		return nil, err
	}
	defer func() { <-s.arriving }()
	data, err := io.ReadAll(io.LimitReader(r, MaxUpload+1))
	if err != nil {
		return nil, fmt.Errorf("attach: read upload: %w", err)
	}
	if err := wait(ctx, s.turn); err != nil {
		return nil, err
	}
	defer func() { <-s.turn }()
	return Process(bytes.NewReader(data), MaxUpload)
}

// wait takes a place, or answers server.busy when none becomes free in time.
func wait(ctx context.Context, places chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &model.Error{Code: model.Busy, RetryAfter: 5}
	}
}

// withinDay is rate.limited when the actor has as many unused photos of today as they may.
func withinDay(tx *store.Tx) error {
	day := tx.Now().Date().Start()
	var n int64
	me := tx.Actor().Account
	err := tx.Q(&model.Attachment{}).Where("owner_id = ? AND record_id IS NULL AND created_at >= ?", me, day).Count(&n).Error
	if err == nil && n >= unusedMost {
		tomorrow := model.At(day.Std().AddDate(0, 0, 1))
		return &model.Error{Code: model.RateLimited, Detail: "今天没有用上的照片太多了，请先提交已上传的，或明天再传。",
			RetryAfter: int(tomorrow-tx.Now())/1000 + 1}
	}
	return err
}

// size is one of the two files of a photo.
type size string

const (
	full  size = "full"
	thumb size = "thumb"
)

func (z size) name(id model.ID) string {
	if z == thumb {
		return id.String() + ".thumb.jpg"
	}
	return id.String() + ".jpg" // whatever its format: the row knows
}

// bound ties a sealed file to its photo and size, so that no file can stand for another.
func (z size) bound(id model.ID) []byte { return append([]byte("attachment "+string(z)+" "), id[:]...) }

// put seals a file and keeps it: photos show people and their papers.
func (s *Service) put(ctx context.Context, id model.ID, z size, data []byte) error {
	sealed, err := s.db.Keyring().Seal(data, z.bound(id))
	if err != nil {
		return err
	}
	return s.blobs.Put(ctx, z.name(id), sealed)
}

// Erase removes the files of a photo. Its row is the caller's to remove.
func (s *Service) Erase(ctx context.Context, id model.ID) error {
	return errors.Join(s.blobs.Delete(ctx, full.name(id)), s.blobs.Delete(ctx, thumb.name(id)))
}

// Links are addresses of a photo and its thumbnail that need no log-in for the next 15 minutes. Only for who may see the record, or
// owns the photo.
func (s *Service) Links(id model.ID) (link, thumbLink string) {
	expires := s.db.Now().Add(linkLife)
	q := url.Values{"expires": {strconv.FormatInt(int64(expires)/1000, 10)}}
	q.Set("sig", base64.RawURLEncoding.EncodeToString(s.sign(id, int64(expires)/1000)))
	link = s.base + "/api/v1/attachments/" + id.String() + "?" + q.Encode()
	return link, link + "&size=" + string(thumb)
}

const sigBytes = 16

func (s *Service) sign(id model.ID, expires int64) []byte {
	return s.db.Hash("link", id[:], binary.BigEndian.AppendUint64(nil, uint64(expires)))[:sigBytes]
}

// File is a photo's bytes.
type File struct {
	Mime string
	Data []byte
}

// Open answers the photo behind a signed link; the signature is the credential. Expires is in seconds since 1970.
//
// Errors: auth.required when the link is not signed or forged; auth.expired; not_found when the photo is gone.
func (s *Service) Open(ctx context.Context, id model.ID, expires int64, sig string, small bool) (f File, err error) {
	given, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil || !hmac.Equal(given, s.sign(id, expires)) {
		return f, model.Fail(model.AuthRequired)
	}
	if int64(s.db.Now()) >= expires*1000 {
		return f, model.Fail(model.AuthExpired)
	}
	var a model.Attachment
	err = s.db.Read(store.AsSystem(ctx, "a signed link"), func(tx *store.Tx) error {
		a = model.Attachment{}
		return tx.Q(&a).Where("id = ?", id).Take(&a).Error
	})
	if err != nil {
		return f, err
	}
	z, mime := full, a.Mime
	if small {
		z, mime = thumb, "image/jpeg"
	}
	sealed, err := s.blobs.Get(ctx, z.name(id))
	if errors.Is(err, fs.ErrNotExist) {
		s.log.WarnContext(ctx, "a photo's file is missing: is SIX_DATA the same folder on every node?", "attachment", id)
		return f, model.Fail(model.NotFound)
	}
	if err != nil {
		return f, fmt.Errorf("attachment %s: %w", id, err)
	}
	data, err := s.db.Keyring().Open(sealed, z.bound(id))
	if err != nil {
		return f, fmt.Errorf("attachment %s: %w", id, err)
	}
	return File{mime, data}, nil
}

// Claim stages that a record uses photos: the owner's own that no record uses yet.
//
// Errors: attachment.unknown when one is not such, in the same words whether it exists or not, or one is named twice. The write fails
// with it when another record has claimed one meanwhile.
func (s *Service) Claim(tx *store.Tx, owner, record model.ID, ids []model.ID) error {
	if len(ids) == 0 {
		return nil
	}
	unknown := model.Faults{{Location: "attachments", Code: model.AttachmentUnknown, Message: "请重新上传照片"}}.Err()
	var free []model.ID
	if len(ids) <= perRecord {
		const mine = "id IN ? AND owner_id = ? AND record_id IS NULL"
		err := tx.Q(&model.Attachment{}).Where(mine, ids, owner).Pluck("id", &free).Error
		if err != nil {
			return err
		}
		if len(free) == len(ids) {
			tx.ChangeExactly(int64(len(ids)), unknown, &model.Attachment{}, map[string]any{"record_id": record}, mine, ids, owner)
			return nil
		}
	}
	return unknown
}

// Of are the photos of records that the caller has read in scope, in the order in which they came.
func (s *Service) Of(tx *store.Tx, records []model.ID) (map[model.ID][]View, error) {
	out := map[model.ID][]View{}
	if len(records) == 0 {
		return out, nil
	}
	var rows []*model.Attachment
	err := tx.System("photos of records read in scope").Q(&model.Attachment{}).Where("record_id IN ?", records).
		Order("created_at").Order("id").Find(&rows).Error
	for _, a := range rows {
		out[a.RecordID] = append(out[a.RecordID], s.view(a))
	}
	return out, err
}

func (s *Service) view(a *model.Attachment) View {
	v := View{ID: a.ID, Mime: a.Mime, Width: a.Width, Height: a.Height, Bytes: a.Bytes}
	v.URL, v.ThumbURL = s.Links(a.ID)
	return v
}

// sweepAtOnce is how many photos one sweep removes, so that a backlog does not hold the database.
const sweepAtOnce = 500

// Sweep removes photos that no record has used for the given time, with their files, and answers how many. It is for the program
// itself, once a day or so.
func (s *Service) Sweep(ctx context.Context, unused time.Duration) (int, error) {
	ctx = store.AsSystem(ctx, "sweep unused photos")
	var ids []model.ID
	err := s.db.Write(ctx, model.Act{Name: "attachment.sweep"}, func(tx *store.Tx) error {
		ids = nil
		old := tx.Now().Add(-unused)
		err := tx.Q(&model.Attachment{}).Where("record_id IS NULL AND created_at < ?", old).Limit(sweepAtOnce).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			tx.Untraced()
			return err
		}
		tx.Note("", "", fmt.Sprintf("%d photos", len(ids)))
		tx.Remove(&model.Attachment{}, "id IN ? AND record_id IS NULL", ids)
		return nil
	})
	if err != nil {
		return 0, err
	}
	var faults []error
	for _, id := range ids {
		faults = append(faults, s.Erase(ctx, id))
	}
	return len(ids), errors.Join(faults...)
}
