package api_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/internal/testkit/street"
)

// secretPlace stands in the EXIF of the test's photos: where a phone would write the maker and the position.
const secretPlace = "SecretGPS34.7466"

// jpegWithExif is a photo of a phone held upright: its EXIF says turned by 90° (orientation 6), the maker, and a place.
func jpegWithExif(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range 64 {
		img.Set(i, i*48/64, color.RGBA{R: 200, A: 255})
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	le := binary.LittleEndian
	tiff := append([]byte("II*\x00\x08\x00\x00\x00"), 2, 0)
	tiff = le.AppendUint16(le.AppendUint16(tiff, 0x010f), 2) // the maker, a text behind the directory
	tiff = le.AppendUint32(le.AppendUint32(tiff, uint32(len(secretPlace)+1)), 8+2+2*12+4)
	tiff = le.AppendUint16(le.AppendUint16(tiff, 0x0112), 3) // the orientation
	tiff = le.AppendUint32(le.AppendUint32(tiff, 1), 6)
	tiff = append(le.AppendUint32(tiff, 0), secretPlace+"\x00"...)
	app1 := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(app1)+2))
	return append(append(append([]byte{}, b.Bytes()[:2]...), append(head, app1...)...), b.Bytes()[2:]...)
}

// send uploads a file as the persona and answers what came.
func send(o *office, as, field string, file []byte) street.Response {
	ask := upload(field, file)
	ask.As = as
	seen(o.Server, "POST", "/attachments", as)
	return o.Do(ask)
}

func fetch(o *office, link string) street.Response {
	seen(o.Server, "GET", link, "")
	return o.Do(street.Request{Method: "GET", Path: link})
}

func TestAPhotoLosesWhatThePhoneWroteIntoIt(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	file := jpegWithExif(t)
	require.Contains(t, string(file), secretPlace)
	r := send(o, "resident", "file", file)
	require.Equal(t, http.StatusCreated, r.Status, r.Text)
	require.Equal(t, "image/jpeg", r.JSON["mime"])
	require.EqualValues(t, 48, r.JSON["width"], "turned as the phone was held")
	require.EqualValues(t, 64, r.JSON["height"])

	for name, link := range map[string]string{"the photo": "url", "its thumbnail": "thumb_url"} {
		got := fetch(o, r.JSON[link].(string))
		require.Equal(t, http.StatusOK, got.Status, "%s: %s", name, got.Text)
		require.Equal(t, "image/jpeg", got.Header.Get("Content-Type"), name)
		require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"), name)
		require.NotContains(t, got.Text, "Secret", name)
		require.NotContains(t, got.Text, "Exif", name)
		shown, err := jpeg.Decode(strings.NewReader(got.Text))
		require.NoError(t, err, name)
		require.Equal(t, image.Pt(48, 64), shown.Bounds().Size(), name)
	}
}

func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	var tall bytes.Buffer
	require.NoError(t, png.Encode(&tall, image.NewGray(image.Rect(0, 0, 2, 2))))
	big := append(jpegWithExif(t), make([]byte, 10<<20)...)
	for _, c := range []struct {
		name, field string
		file        []byte
		want        int
		code        string
	}{
		{"a PNG is a photo", "file", tall.Bytes(), 201, ""},
		{"a text with a photo's name", "file", []byte("<html><script>alert(1)</script>"), 415, "media.unsupported"},
		{"a drawing that could run scripts", "file", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 415, "media.unsupported"},
		{"a photo cut in its head", "file", jpegWithExif(t)[:40], 415, "media.unsupported"},
		{"nothing", "file", nil, 415, "media.unsupported"},
		{"more than 10 MB", "file", big, 413, "request.too_large"},
		{"a part of another name", "photo", tall.Bytes(), 422, "validation.failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := send(o, "resident", c.field, c.file)
			require.Equal(t, c.want, r.Status, r.Text)
			require.Equal(t, c.code, r.Code())
			if c.want >= 400 {
				problem(t, r)
			}
		})
	}
	run(t, o.Server, []scenario{
		{Name: "JSON is no upload", As: "resident", Post: "/attachments", Body: object{"file": "x"}, Want: 415,
			Code: "media.unsupported"},
		{Name: "a broken one", As: "resident", Post: "/attachments", Body: "--x\r\nContent-Disposition", Want: 400,
			Code:   "request.malformed",
			Header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}},
	})
}

func TestALinkToAPhotoIsItsOnlyKey(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	r := send(o, "resident", "file", jpegWithExif(t))
	link := r.JSON["url"].(string)
	bare, _, _ := strings.Cut(link, "?")
	other := send(o, "resident", "file", jpegWithExif(t))
	_, query, _ := strings.Cut(other.JSON["url"].(string), "?")
	later := strings.Replace(link, "expires=", "expires=9", 1)

	expect := func(name, link string, status int, code string) {
		t.Helper()
		got := fetch(o, link)
		require.Equal(t, status, got.Status, "%s: %s", name, got.Text)
		require.Equal(t, code, got.Code(), name)
	}
	expect("a signed link", link, 200, "")
	expect("no signature", bare, 401, "auth.required")
	expect("another photo's signature", bare+"?"+query, 401, "auth.required")
	expect("a later end", later, 401, "auth.required")
	expect("a signature of zeros", bare+"?expires=99999999999&sig=AAAAAAAAAAAAAAAAAAAAAA", 401, "auth.required")
	expect("a thumbnail by the same signature", link+"&size=thumb", 200, "")
	expect("no such id", "/api/v1/attachments/7?expires=1&sig=x", 404, "not_found")

	o.Clock.Advance(14 * time.Minute)
	expect("within a quarter of an hour", link, 200, "")
	o.Clock.Advance(time.Minute)
	expect("after a quarter of an hour", link, 401, "auth.expired")
}

func TestARecordShowsItsPhotosAndNobodyElses(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	mine := send(o, "resident", "file", jpegWithExif(t)).ID()
	body := func(ids ...string) object { return o.at("situation", plainSituation(), object{"attachments": ids}) }
	run(t, o.Server, []scenario{
		{Name: "another's photo is unknown", As: "resident2", Post: "/records", Body: body(mine), Want: 422, Code: "attachment.unknown",
			Errors: []string{"attachments:attachment.unknown"}},
		{Name: "in the same words as one that never was", As: "resident2", Post: "/records", Body: body(neverIssued), Want: 422,
			Code: "attachment.unknown"},
		{Name: "twice the same", As: "resident", Post: "/records", Body: body(mine, mine), Want: 422, Code: "attachment.unknown"},
		{Name: "one's own", As: "resident", Post: "/records", Body: body(mine), Want: 201, Keep: "record",
			Has: []string{mine, "/api/v1/attachments/"}, JSON: object{"attachments.0.id": mine}},
		{Name: "used once is used", As: "resident", Post: "/records", Body: body(mine), Want: 422, Code: "attachment.unknown"},
		{Name: "staff see it by a fresh link", As: "collector", Get: "/records/{record}", Want: 200,
			Check: func(t *testing.T, r street.Response) {
				require.Equal(t, http.StatusOK, fetch(o, member(r, "attachments.0.url").(string)).Status)
				require.Equal(t, http.StatusOK, fetch(o, member(r, "attachments.0.thumb_url").(string)).Status)
			}},
	})
}

func TestNobodyUsesTheServerAsADisk(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	for range 50 {
		require.Equal(t, http.StatusCreated, send(o, "resident", "file", jpegWithExif(t)).Status)
	}
	r := send(o, "resident", "file", jpegWithExif(t))
	require.Equal(t, http.StatusTooManyRequests, r.Status)
	problem(t, r)
	require.Equal(t, http.StatusCreated, send(o, "resident2", "file", jpegWithExif(t)).Status, "others are not held")
	o.Clock.Advance(14 * time.Hour) // midnight in Beijing
	require.Equal(t, http.StatusCreated, send(o, "resident", "file", jpegWithExif(t)).Status)
}
