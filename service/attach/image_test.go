package attach

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

var (
	red   = color.NRGBA{R: 220, G: 20, B: 30, A: 255}
	green = color.NRGBA{R: 20, G: 180, B: 40, A: 255}
	blue  = color.NRGBA{R: 20, G: 40, B: 220, A: 255}
	grey  = color.NRGBA{R: 128, G: 128, B: 128, A: 255}
)

func process(t testing.TB, file []byte) (*Picture, image.Image) {
	t.Helper()
	p, err := Process(bytes.NewReader(file), MaxUpload)
	require.NoError(t, err)
	return p, reads(t, p)
}

// reads decodes a picture and holds what is true of every one.
func reads(t testing.TB, p *Picture) image.Image {
	t.Helper()
	img, kind, err := image.Decode(bytes.NewReader(p.Data))
	require.NoError(t, err)
	require.Equal(t, "image/"+kind, p.Mime)
	require.Equal(t, image.Pt(p.Width, p.Height), img.Bounds().Size())
	require.LessOrEqual(t, max(p.Width, p.Height), longSide)
	require.Equal(t, sha256.Sum256(p.Data), p.SHA256)
	thumb, err := jpeg.DecodeConfig(bytes.NewReader(p.Thumb))
	require.NoError(t, err, "the thumbnail is no JPEG")
	require.LessOrEqual(t, max(thumb.Width, thumb.Height), thumbSide)
	w, h := fit(p.Width, p.Height, thumbSide)
	require.Equal(t, [2]int{w, h}, [2]int{thumb.Width, thumb.Height})
	return img
}

// looks holds that the pixel is about the colour; JPEG blurs a little.
func looks(t testing.TB, img image.Image, x, y int, want color.NRGBA, where string) {
	t.Helper()
	got := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B), int(got.A) - int(want.A)} {
		require.InDelta(t, 0, d, 14, "%s at %d,%d: %v, want %v", where, x, y, got, want)
	}
}

func looksUpright(t testing.TB, img image.Image) {
	t.Helper()
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	looks(t, img, w/4, h/4, red, "top left")
	looks(t, img, 3*w/4, h/4, green, "top right")
	looks(t, img, w/4, 3*h/4, blue, "bottom left")
	looks(t, img, 3*w/4, 3*h/4, grey, "bottom right")
}

func TestEveryFormatIsReadByItsContent(t *testing.T) {
	t.Parallel()
	upright := corners(96, 64)
	for _, c := range []struct {
		name, mime string
		file       []byte
	}{
		{"JPEG", "image/jpeg", jpegOf(t, upright)},
		{"PNG", "image/png", pngOf(t, upright)},
		{"GIF, the first frame", "image/png", gifOf(t, upright, image.NewNRGBA(image.Rect(0, 0, 96, 64)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, img := process(t, c.file)
			require.Equal(t, c.mime, p.Mime)
			require.Equal(t, []int{96, 64}, []int{p.Width, p.Height})
			looksUpright(t, quantised(img))
		})
	}
	t.Run("WebP", func(t *testing.T) {
		t.Parallel()
		p, img := process(t, webpOf(50, 40, green))
		require.Equal(t, "image/jpeg", p.Mime)
		looks(t, img, 25, 20, green, "the middle")
		p, _ = process(t, webpOf(50, 40, color.NRGBA{R: 220, A: 128}))
		require.Equal(t, "image/png", p.Mime, "a transparent WebP")
	})
}

// quantised undoes what GIF's 216 colours do to the corners, whose colours are then the nearest of ours.
func quantised(img image.Image) image.Image {
	out := image.NewPaletted(img.Bounds(), color.Palette{red, green, blue, grey})
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"nothing": "", "text": "hello", "a web page": "<html><script>", "an SVG": "<svg xmlns='http://www.w3.org/2000/svg'/>",
		"a PDF": "%PDF-1.7\n", "HEIC": "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "BMP": "BM\x00\x00",
		"RIFF that is sound": "RIFF\x00\x00\x00\x00WAVE", "a signature alone": "\xff\xd8\xff", "a program": "MZ\x90\x00",
		"a ZIP": "PK\x03\x04", "a GIF of no size": "GIF89a\x00\x00\x00\x00\x00\x00\x00;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Process(strings.NewReader(file), MaxUpload)
			require.Nil(t, p)
			require.True(t, model.IsCode(err, model.MediaUnsupported), "%v", err)
		})
	}
}

func TestATruncatedFileIsRefusedWhereverItEnds(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"JPEG": jpegOf(t, corners(64, 48)), "PNG": pngOf(t, corners(64, 48)), "GIF": gifOf(t, noise(16, 16)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := len(file) - 2 // a GIF is whole without its trailer
			for n := 0; n < end; n += 1 + n/40 {
				_, err := Process(bytes.NewReader(file[:n]), MaxUpload)
				require.True(t, model.IsCode(err, model.MediaUnsupported), "%d of %d bytes: %v", n, len(file), err)
			}
		})
	}
}

func TestTheUploadsOwnFaultIsNotThePictures(t *testing.T) {
	t.Parallel()
	gone := errors.New("connection lost")
	_, err := Process(io.MultiReader(bytes.NewReader(jpegOf(t, corners(8, 8))), iotest.ErrReader(gone)), MaxUpload)
	require.ErrorIs(t, err, gone)
	require.False(t, model.IsCode(err, model.MediaUnsupported))
}

func TestMoreBytesThanAllowedAreRefused(t *testing.T) {
	t.Parallel()
	file := jpegOf(t, corners(32, 32))
	_, err := Process(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err, "exactly as large as allowed")
	read := &countedReader{from: io.MultiReader(bytes.NewReader(file), bytes.NewReader(make([]byte, 1<<20)))}
	_, err = Process(read, int64(len(file)))
	require.True(t, model.IsCode(err, model.TooLarge), "%v", err)
	require.LessOrEqual(t, read.n, len(file)+1, "it read on beyond the limit")
}

type countedReader struct {
	from io.Reader
	n    int
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += n
	return n, err
}

// sof is the frame header of a JPEG with three channels.
func sof(marker byte, w, h int, sampling byte) []byte {
	return segment(marker, []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0})
}

func ihdr(w, h uint32, depth, kind, interlace byte) []byte {
	body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(body, depth, kind, 0, 0, interlace))...)
}

// TestABombIsRefusedBeforeItIsDecoded gives headers alone: were they decoded, the answer would be "damaged".
func TestABombIsRefusedBeforeItIsDecoded(t *testing.T) {
	t.Parallel()
	jpg := func(segments ...[]byte) []byte {
		return withSegments([]byte("\xff\xd8"), append(segments, segment(markSOS, []byte{1, 1, 0, 0, 63, 0}))...)
	}
	for _, c := range []struct {
		name string
		file []byte
		want model.Code
	}{
		{"JPEG", jpg(sof(0xc0, 65535, 65535, 0x22)), model.TooLarge},
		{"JPEG just above", jpg(sof(0xc0, 8000, 5001, 0x22)), model.TooLarge},
		{"JPEG just at the limit", jpg(sof(0xc0, 8000, 5000, 0x22)), model.MediaUnsupported},
		{"progressive JPEG with full colour", jpg(sof(0xc2, 8000, 5000, 0x11)), model.TooLarge},
		{"progressive JPEG as phones write it", jpg(sof(0xc2, 8000, 5000, 0x22)), model.MediaUnsupported},
		{"progressive JPEG behind noise",
			jpg(segment(0xfe, nil), []byte("noise\xff\x00\xff\xff"), sof(0xc2, 8000, 5000, 0x11)), model.TooLarge},
		{"PNG", ihdr(50000, 50000, 8, 6, 0), model.TooLarge},
		{"PNG of 16 bits at the limit", ihdr(8000, 5000, 16, 6, 0), model.MediaUnsupported},
		{"PNG of 16 bits, interlaced", ihdr(8000, 5000, 16, 6, 1), model.TooLarge},
		{"GIF", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), model.TooLarge},
		{"WebP", webpOf(16384, 16384, red), model.TooLarge},
		{"WebP that hides its size behind another", hiddenWebP(), model.MediaUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Process(bytes.NewReader(c.file), MaxUpload)
			require.True(t, model.IsCode(err, c.want), "%v", err)
		})
	}
}

// hiddenWebP declares 100 × 100 in its first chunk and 16384 × 16384 in the picture itself.
func hiddenWebP() []byte {
	big := webpOf(16384, 16384, red)[12:]
	head := riff("VP8X", []byte{0, 0, 0, 0, 99, 0, 0, 99, 0, 0})
	return riff("RIFF", append(append([]byte("WEBP"), head...), big...))
}

func TestAJPEGOfCountlessScansIsRefused(t *testing.T) {
	t.Parallel()
	scan := append(segment(markSOS, []byte{1, 1, 0, 0, 0, 0}), 0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56)
	file := func(n int) []byte {
		return withSegments([]byte("\xff\xd8"), append([][]byte{sof(0xc2, 64, 64, 0x22)}, bytes.Repeat(scan, n))...)
	}
	_, err := jpegCost(file(scansMost), image.Config{})
	require.NoError(t, err)
	_, err = jpegCost(file(scansMost+1), image.Config{})
	require.ErrorIs(t, err, errScans)
	_, err = Process(bytes.NewReader(file(scansMost+1)), MaxUpload)
	require.True(t, model.IsCode(err, model.MediaUnsupported))
}

func TestLargePicturesShrinkAndSmallOnesStay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{4000, 3000, 2560, 1920}, {3000, 4000, 1920, 2560}, {2560, 2560, 2560, 2560}, {2561, 10, 2560, 10}, {6000, 1000, 2560, 427},
		{12000, 2, 2560, 1}, {100, 80, 100, 80}, {1, 1, 1, 1},
	} {
		t.Run(fmt.Sprintf("%dx%d", c.w, c.h), func(t *testing.T) {
			t.Parallel()
			p, img := process(t, jpegOf(t, corners(c.w, c.h)))
			require.Equal(t, []int{c.wantW, c.wantH}, []int{p.Width, p.Height})
			if c.h > 2 {
				looksUpright(t, img)
			}
		})
	}
}

func TestAPNGStaysOneUnlessItIsLarge(t *testing.T) {
	t.Parallel()
	clear := corners(40, 40)
	clear.SetNRGBA(0, 0, color.NRGBA{})
	p, img := process(t, pngOf(t, clear))
	require.Equal(t, "image/png", p.Mime)
	_, _, _, alpha := img.At(0, 0).RGBA()
	require.Zero(t, alpha, "transparency is lost")
	thumb, err := jpeg.Decode(bytes.NewReader(p.Thumb))
	require.NoError(t, err)
	looks(t, thumb, 10, 10, red, "the thumbnail")

	loud := noise(700, 700)
	for y := range 100 {
		for x := range 100 {
			loud.SetNRGBA(x, y, color.NRGBA{})
		}
	}
	p, img = process(t, pngOf(t, loud))
	require.Equal(t, "image/jpeg", p.Mime, "more than 1 MB")
	looks(t, img, 50, 50, color.NRGBA{R: 255, G: 255, B: 255, A: 255}, "the transparent corner on white")
}
