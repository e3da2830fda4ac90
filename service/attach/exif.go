package attach

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"iter"
)

// scansMost is how many scans a JPEG may have. Progressive files have about ten; thousands of nearly empty ones are an attack, as
// each costs a walk over the whole picture.
const scansMost = 100

var errScans = errors.New("attach: too many scans")

// JPEG markers (ITU-T T.81 table B.1) that matter here.
const (
	markSOF0, markSOF2 = 0xc0, 0xc2
	markRST0, markRST7 = 0xd0, 0xd7
	markEOI, markSOS   = 0xd9, 0xda
	markAPP1           = 0xe1
)

// jpegSegments yields marker and content of every segment up to the end of the image. Between segments it skips what is no
// marker, coded pixels among it, exactly as image/jpeg does: a scan that the decoder sees must not be hidden from us.
func jpegSegments(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for rest := data[min(2, len(data)):]; ; {
			at := bytes.IndexByte(rest, 0xff)
			if at < 0 {
				return
			}
			rest = rest[at:]
			for len(rest) > 0 && rest[0] == 0xff {
				rest = rest[1:]
			}
			if len(rest) == 0 || rest[0] == markEOI {
				return
			}
			marker := rest[0]
			rest = rest[1:]
			if marker == 0 || marker >= markRST0 && marker <= markRST7 {
				continue
			}
			if len(rest) < 2 {
				return
			}
			size := int(binary.BigEndian.Uint16(rest))
			if size < 2 || size > len(rest) || !yield(marker, rest[2:size]) {
				return
			}
			rest = rest[size:]
		}
	}
}

// jpegCost adds up the channels' bytes per pixel: one for each full-size channel, five when progressive (image/jpeg keeps the
// 32-bit coefficients till the end), and four more where a copy in another colour model may follow.
func jpegCost(data []byte, _ image.Config) (float64, error) {
	var each float64
	scans := 0
	for marker, body := range jpegSegments(data) {
		if marker == markSOS {
			if scans++; scans > scansMost {
				return 0, errScans
			}
		}
		if marker < markSOF0 || marker > markSOF2 || len(body) < 6 {
			continue
		}
		area, most := 0, 1
		for i := 6; i+2 < len(body); i += 3 {
			h, v := int(body[i+1]>>4), int(body[i+1]&15)
			area, most = area+h*v, max(most, h*v)
		}
		channels := float64(area) / float64(most)
		cost := channels
		if marker == markSOF2 {
			cost *= 5
		}
		if channels >= 3 {
			cost += 4
		}
		each = max(each, cost)
	}
	return each, nil
}

func noExif([]byte) []byte { return nil }

const exifHead = "Exif\x00\x00"

// jpegExif is the TIFF block of the first APP1 segment that has one (CIPA DC-008 section 4.7.2).
func jpegExif(data []byte) []byte {
	for marker, body := range jpegSegments(data) {
		if tiff, ok := bytes.CutPrefix(body, []byte(exifHead)); ok && marker == markAPP1 {
			return tiff
		}
		if marker == markSOS {
			break
		}
	}
	return nil
}

// pngExif is the content of the eXIf chunk (PNG third edition, section 11.3.3.7).
func pngExif(data []byte) []byte {
	for rest := data[min(8, len(data)):]; len(rest) >= 12; {
		size := uint64(binary.BigEndian.Uint32(rest))
		if size+12 > uint64(len(rest)) {
			return nil
		}
		if string(rest[4:8]) == "eXIf" {
			return rest[8 : 8+size]
		}
		rest = rest[size+12:]
	}
	return nil
}

// webpExif is the content of the EXIF chunk (RFC 9649 section 2.7.1.5); some writers put JPEG's head before it.
func webpExif(data []byte) []byte {
	for rest := data[min(12, len(data)):]; len(rest) >= 8; {
		size := uint64(binary.LittleEndian.Uint32(rest[4:]))
		if size+8 > uint64(len(rest)) {
			return nil
		}
		if string(rest[:4]) == "EXIF" {
			return bytes.TrimPrefix(rest[8:8+size], []byte(exifHead))
		}
		rest = rest[min(size+8+size%2, uint64(len(rest))):]
	}
	return nil
}

// orientation reads the tag 0x0112 of a TIFF block's first directory: 1 to 8 (TIFF 6.0 page 36), and 1 for everything unreadable,
// since a photo lying on its side is better than none.
func orientation(tiff []byte) int {
	const entry, tag, short = 12, 0x0112, 3
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(tiff, []byte("MM\x00*")) {
		order = binary.BigEndian
	} else if !bytes.HasPrefix(tiff, []byte("II*\x00")) {
		return 1
	}
	if len(tiff) < 8 {
		return 1
	}
	start := uint64(order.Uint32(tiff[4:]))
	if start+2 > uint64(len(tiff)) {
		return 1
	}
	rest := tiff[start+2:]
	for n := order.Uint16(tiff[start:]); n > 0 && len(rest) >= entry; n, rest = n-1, rest[entry:] {
		if order.Uint16(rest) != tag {
			continue
		}
		if v := int(order.Uint16(rest[8:])); order.Uint16(rest[2:]) == short && v >= 1 && v <= 8 {
			return v
		}
		return 1
	}
	return 1
}

// turn sets the picture upright. From 5 on rows and columns change places.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	right, bottom := w-1, h-1
	from := []func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return right - x, y },
		3: func(x, y int) (int, int) { return right - x, bottom - y },
		4: func(x, y int) (int, int) { return x, bottom - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, bottom - x },
		7: func(x, y int) (int, int) { return right - y, bottom - x },
		8: func(x, y int) (int, int) { return right - y, x },
	}[orientation]
	dst := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			sx, sy := from(x, y)
			to, at := dst.PixOffset(x, y), sy*src.Stride+4*sx
			copy(dst.Pix[to:to+4], src.Pix[at:at+4])
		}
	}
	return dst
}
