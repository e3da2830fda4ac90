package attach

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// corners is a picture with red top left, green top right, blue bottom left and grey bottom right.
func corners(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, [2][2]color.NRGBA{{red, green}, {blue, grey}}[2*y/h][2*x/w])
		}
	}
	return img
}

// noise is a picture that no PNG makes small.
func noise(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(dice.Uint32())
	}
	return img
}

func jpegOf(t testing.TB, img image.Image) []byte {
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}))
	return out.Bytes()
}

func pngOf(t testing.TB, img image.Image) []byte {
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, img))
	return out.Bytes()
}

func gifOf(t testing.TB, frames ...image.Image) []byte {
	all := &gif.GIF{}
	for _, f := range frames {
		p := image.NewPaletted(f.Bounds(), palette.WebSafe)
		for y := range f.Bounds().Dy() {
			for x := range f.Bounds().Dx() {
				p.Set(x, y, f.At(x, y))
			}
		}
		all.Image, all.Delay = append(all.Image, p), append(all.Delay, 10)
	}
	var out bytes.Buffer
	require.NoError(t, gif.EncodeAll(&out, all))
	return out.Bytes()
}

// webpOf is a lossless WebP of one colour: every Huffman code has a single symbol, so its pixels take no bits (RFC 9649, 3).
func webpOf(w, h int, c color.NRGBA, chunks ...[]byte) []byte {
	var bits, n uint64
	var stream []byte
	put := func(v uint64, count int) {
		for bits |= v << n; ; bits >>= 8 {
			if n += uint64(count); n < 8 {
				return
			}
			stream, n, count = append(stream, byte(bits)), n-8, 0
		}
	}
	put(0x2f, 8)
	put(uint64(w-1), 14)
	put(uint64(h-1), 14)
	put(1, 1) // alpha is used
	put(0, 3) // version
	put(0, 3) // no transform, no colour cache, no meta codes
	for _, symbol := range []byte{c.G, c.R, c.B, c.A, 0} {
		put(1, 1) // a simple code
		put(0, 1) // of one symbol
		put(1, 1) // of eight bits
		put(uint64(symbol), 8)
	}
	put(0, 16)
	body := append([]byte("WEBP"), riff("VP8L", stream)...)
	if len(chunks) > 0 {
		head := []byte{0x08, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0}
		body = append(append([]byte("WEBP"), riff("VP8X", head)...), riff("VP8L", stream)...)
		for _, c := range chunks {
			body = append(body, c...)
		}
	}
	return riff("RIFF", body)
}

func riff(name string, body []byte) []byte {
	out := append(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body))), body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func pngChunk(name string, body []byte) []byte {
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	out = append(out, body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// withChunk puts a chunk behind a PNG's IHDR.
func withChunk(file, chunk []byte) []byte {
	const ihdrEnd = 8 + 25
	return append(append(append([]byte{}, file[:ihdrEnd]...), chunk...), file[ihdrEnd:]...)
}

// tiff is a TIFF block with the orientation, the phone's name and a GPS directory, as phones write it.
func tiff(order binary.AppendByteOrder, orientation uint16) []byte {
	out := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		out = []byte("MM\x00*")
	}
	const dir, entries = 8, 3
	texts := uint32(dir + 2 + 12*entries + 4)
	entry := func(tag, kind uint16, count, value uint32) {
		out = order.AppendUint16(order.AppendUint16(out, tag), kind)
		out = order.AppendUint32(out, count)
		if kind == 3 {
			out = order.AppendUint16(order.AppendUint16(out, uint16(value)), 0)
		} else {
			out = order.AppendUint32(out, value)
		}
	}
	out = order.AppendUint16(order.AppendUint32(out, dir), entries)
	entry(0x010f, 2, 16, texts)
	entry(0x0112, 3, 1, uint32(orientation))
	entry(0x8825, 4, 1, texts+16)
	out = append(order.AppendUint32(out, 0), "SecretPhoneMake\x00"...)
	out = order.AppendUint16(out, 1)
	entry(0x0002, 2, 16, texts+16+18)
	return append(order.AppendUint32(out, 0), "SecretGPS34.7466"...)
}

// segment is a JPEG segment.
func segment(marker byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2)), body...)
}

// withSegments puts segments behind a JPEG's start.
func withSegments(file []byte, segments ...[]byte) []byte {
	out := append([]byte{}, file[:2]...)
	for _, s := range segments {
		out = append(out, s...)
	}
	return append(out, file[2:]...)
}
