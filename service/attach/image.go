// Package attach keeps the photos that residents and collectors add to records.
//
// A photo is never stored as it came: it is decoded and drawn anew, so that nothing but its pixels survives — no GPS position, no
// phone's serial number, no text, no second file hidden behind the picture.
package attach

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"sixelements/model"
)

// MaxUpload is what the contract allows for one upload, in bytes.
const MaxUpload = 10 << 20

const (
	longSide    = 2560      // pixels; enough to read a meter or a licence on a wall
	thumbSide   = 320       // pixels; two columns on a phone
	quality     = 85        // of a JPEG
	thumbQual   = 80        // of a thumbnail
	pngMost     = 1 << 20   // bytes of a PNG that stays one; larger ones are photos that somebody saved wrongly
	pixelsMost  = 40e6      // pixels of an upload: the largest that phones take by default
	memoryMost  = 320 << 20 // bytes a decoder may use: 40 million pixels of a 16-bit PNG
	headerBytes = 32        // more than any of the signatures
)

// Picture is an upload made safe: JPEG or PNG, upright, no side longer than 2560 pixels, without metadata.
type Picture struct {
	Mime          string   // "image/jpeg" or "image/png"
	Width, Height int      // of Data, in pixels
	Data          []byte   // the file to keep
	Thumb         []byte   // a JPEG with no side longer than 320 pixels
	SHA256        [32]byte // of Data
}

// Process reads an upload of at most max bytes and makes a Picture of it. The format is told from the content alone: JPEG, PNG,
// WebP (still) or GIF (its first frame). JPEGs and opaque WebPs become JPEG; what may be transparent, or drawn rather than
// photographed, stays PNG up to 1 MB and otherwise becomes JPEG on white. Colour profiles are dropped with the rest, so a photo
// taken in Display P3 turns out slightly paler.
//
// Memory: the upload, the decoded picture (at most 320 MB, refused before decoding if it would take more) and a copy of at most
// a quarter of its pixels. Measured, whole process: 60 MB and 0.4 s for a phone's 12 megapixels, 165 MB and 0.9 s for 40. Callers
// bound how many run at once.
//
// Errors: TooLarge when there are more than max bytes, more than 40 million pixels, or decoding would need more than 320 MB;
// MediaUnsupported when it is none of the formats, or damaged. An error of r comes back as it is, wrapped.
func Process(r io.Reader, max int64) (*Picture, error) {
	data, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return nil, fmt.Errorf("attach: read upload: %w", err)
	}
	if int64(len(data)) > max {
		return nil, model.Fail(model.TooLarge)
	}
	for _, f := range formats() {
		if !f.is(data[:min(len(data), headerBytes)]) {
			continue
		}
		if err := f.guard(data); err != nil {
			return nil, err
		}
		decoded, err := f.decode(bytes.NewReader(data))
		if err != nil {
			return nil, damaged()
		}
		upright := turn(reduce(decoded, longSide), orientation(f.exif(data)))
		return finish(upright, f.drawn || !upright.Opaque())
	}
	return nil, model.Fail(model.MediaUnsupported)
}

// damaged is the refusal of a picture that cannot be read; decoders' own words may quote the file.
func damaged() error {
	return model.Failf(model.MediaUnsupported, "图片不完整或已损坏，请重新拍摄或选择")
}

// format is one kind of file that is understood.
type format struct {
	is     func(head []byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	cost   func(data []byte, c image.Config) (float64, error) // bytes per pixel that decoding takes
	exif   func(data []byte) []byte                           // the TIFF block, if any
	drawn  bool                                               // rather drawn than photographed: try PNG first
}

func formats() []format {
	return []format{
		{is: begins("\xff\xd8\xff"), config: jpeg.DecodeConfig, decode: jpeg.Decode, cost: jpegCost, exif: jpegExif},
		{is: begins("\x89PNG\r\n\x1a\n"), config: png.DecodeConfig, decode: png.Decode, cost: pngCost, exif: pngExif, drawn: true},
		{is: begins("RIFF????WEBP"), config: webp.DecodeConfig, decode: webp.Decode, cost: perPixel(8), exif: webpExif},
		{is: begins("GIF8?a"), config: gif.DecodeConfig, decode: gif.Decode, cost: perPixel(1), exif: noExif, drawn: true},
	}
}

// begins tests for a signature, in which "?" stands for any byte.
func begins(signature string) func([]byte) bool {
	return func(head []byte) bool {
		if len(head) < len(signature) {
			return false
		}
		for i := range len(signature) {
			if signature[i] != '?' && signature[i] != head[i] {
				return false
			}
		}
		return true
	}
}

func perPixel(bytes float64) func([]byte, image.Config) (float64, error) {
	return func([]byte, image.Config) (float64, error) { return bytes, nil }
}

// guard refuses what would take too much memory, before any of it is taken.
func (f format) guard(data []byte) error {
	c, err := f.config(bytes.NewReader(data))
	if err != nil || c.Width < 1 || c.Height < 1 {
		return damaged()
	}
	each, err := f.cost(data, c)
	if err != nil {
		return damaged()
	}
	if pixels := float64(c.Width) * float64(c.Height); pixels > pixelsMost || pixels*each > memoryMost {
		return model.Failf(model.TooLarge, "图片尺寸过大，请缩小后再上传")
	}
	return nil
}

// pngCost counts 8 bytes per pixel with 16 bits a channel and 4 otherwise, and half as much again for the last pass of an
// interlaced file, which is decoded beside the whole.
func pngCost(data []byte, c image.Config) (float64, error) {
	const interlace = 28 // the offset of IHDR's last byte; IHDR comes first, else DecodeConfig has failed
	each := 4.0
	switch c.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model, color.Gray16Model:
		each = 8
	}
	if len(data) > interlace && data[interlace] != 0 {
		each *= 1.5
	}
	return each, nil
}

// reduce draws the picture into 8-bit RGBA with no side longer than most. It halves first: a 2 × 2 average, which needs neither
// the memory of a wide kernel nor skips pixels. Smaller pictures keep their size.
func reduce(src image.Image, most int) *image.RGBA {
	for {
		w, h := src.Bounds().Dx(), src.Bounds().Dy()
		done, isRGBA := src.(*image.RGBA)
		switch {
		case max(w, h) <= most && isRGBA:
			return done
		case max(w, h) >= 2*most:
			w, h = (w+1)/2, (h+1)/2
		default:
			w, h = fit(w, h, most)
		}
		dst := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
		src = dst
	}
}

// fit is the size with no side longer than most and the same proportions; never below 1, never larger than it was.
func fit(w, h, most int) (int, int) {
	long := max(w, h)
	if long <= most {
		return w, h
	}
	return max(1, (w*most+long/2)/long), max(1, (h*most+long/2)/long)
}

// finish encodes the picture and its thumbnail.
func finish(img *image.RGBA, tryPNG bool) (*Picture, error) {
	p := &Picture{Mime: "image/png", Width: img.Bounds().Dx(), Height: img.Bounds().Dy()}
	white := img
	if !img.Opaque() {
		white = onWhite(img)
	}
	var err error
	if tryPNG {
		p.Data, err = smallPNG(img)
	}
	if p.Data == nil && err == nil {
		p.Mime = "image/jpeg"
		p.Data, err = asJPEG(white, quality)
	}
	if err == nil {
		p.Thumb, err = asJPEG(thumbnail(white), thumbQual)
	}
	if err != nil {
		return nil, fmt.Errorf("attach: encode: %w", err)
	}
	p.SHA256 = sha256.Sum256(p.Data)
	return p, nil
}

// thumbnail shrinks in two steps: averaging to twice the size, then a sharp kernel, whose memory is then small.
func thumbnail(img *image.RGBA) *image.RGBA {
	w, h := fit(img.Bounds().Dx(), img.Bounds().Dy(), thumbSide)
	img = reduce(img, 2*thumbSide)
	if img.Bounds().Dx() == w && img.Bounds().Dy() == h {
		return img
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(dst, dst.Bounds(), img, img.Bounds(), draw.Src, nil)
	return dst
}

func onWhite(img *image.RGBA) *image.RGBA {
	dst := image.NewRGBA(img.Bounds())
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(dst, dst.Bounds(), img, img.Bounds().Min, draw.Over)
	return dst
}

func asJPEG(img image.Image, quality int) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}

// smallPNG is the picture as PNG, or nil when that takes more than 1 MB; it stops encoding as soon as it knows.
func smallPNG(img image.Image) ([]byte, error) {
	var out bounded
	if err := png.Encode(&out, img); errors.Is(err, errOver) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return out.kept, nil
}

var errOver = errors.New("attach: too large for a PNG")

// bounded keeps what is written and fails above pngMost bytes.
type bounded struct{ kept []byte }

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > pngMost {
		return 0, errOver
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}
