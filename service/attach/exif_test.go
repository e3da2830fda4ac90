package attach

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"sixelements/model"
)

// TestNothingButPixelsSurvives builds files that tell where and with what they were taken, and looks for every such word.
func TestNothingButPixelsSurvives(t *testing.T) {
	t.Parallel()
	exif := append([]byte(exifHead), tiff(binary.LittleEndian, 1)...)
	jpg := withSegments(jpegOf(t, corners(64, 48)), segment(markAPP1, exif),
		segment(markAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>SecretXMP</x:xmpmeta>")),
		segment(0xe2, []byte("ICC_PROFILE\x00\x01\x01SecretICC")), segment(0xed, []byte("Photoshop 3.0\x00SecretIPTC")),
		segment(0xfe, []byte("SecretComment")))
	pic := pngOf(t, corners(64, 48))
	for _, chunk := range [][]byte{pngChunk("eXIf", tiff(binary.BigEndian, 1)), pngChunk("tEXt", []byte("Comment\x00SecretText")),
		pngChunk("iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00SecretXMP"))} {
		pic = withChunk(pic, chunk)
	}
	for name, file := range map[string][]byte{
		"JPEG": append(jpg, "SecretSecondFile"...),
		"PNG":  append(pic, "SecretSecondFile"...),
		"GIF":  append(gifOf(t, corners(64, 48)), "SecretSecondFile"...),
		"WebP": webpOf(64, 48, red, riff("EXIF", tiff(binary.LittleEndian, 1)), riff("XMP ", []byte("SecretXMP"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(file), "Secret", "the file says nothing to begin with")
			p, _ := process(t, file)
			for _, out := range [][]byte{p.Data, p.Thumb} {
				for _, word := range []string{"Secret", "Exif", "eXIf", "GPS", "xmp", "ICC", "34.7466", "MM\x00*", "II*\x00", "tEXt"} {
					require.NotContains(t, string(out), word)
				}
			}
			for marker := range jpegSegments(p.Thumb) {
				require.False(t, marker >= 0xe1 && marker <= 0xef || marker == 0xfe, "a segment %x is left", marker)
			}
		})
	}
}

// lying is the upright picture as a camera stores it with an orientation. The table is TIFF 6.0's own words: on which side of the
// upright picture the stored row 0 and the stored column 0 lie.
func lying(upright image.Image, orientation int) image.Image {
	sides := [...][2]string{1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"}}[orientation]
	w, h := upright.Bounds().Dx(), upright.Bounds().Dy()
	rows, columns := h, w
	if sides[0] == "left" || sides[0] == "right" {
		rows, columns = w, h
	}
	out := image.NewNRGBA(image.Rect(0, 0, columns, rows))
	for r := range rows {
		for c := range columns {
			x, y := 0, 0
			for i, side := range sides {
				n := [2]int{r, c}[i]
				switch side {
				case "top":
					y = n
				case "bottom":
					y = h - 1 - n
				case "left":
					x = n
				case "right":
					x = w - 1 - n
				}
			}
			out.Set(c, r, upright.At(x, y))
		}
	}
	return out
}

func TestAPhotoIsSetUprightWhicheverWayThePhoneWasHeld(t *testing.T) {
	t.Parallel()
	for o := range 9 {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprintf("%d %v", o, order), func(t *testing.T) {
				t.Parallel()
				stored := lying(corners(96, 64), max(1, o))
				block := tiff(order, uint16(o))
				files := map[string][]byte{
					"JPEG": withSegments(jpegOf(t, stored), segment(markAPP1, append([]byte(exifHead), block...))),
					"PNG":  withChunk(pngOf(t, stored), pngChunk("eXIf", block)),
				}
				for name, file := range files {
					p, img := process(t, file)
					require.Equal(t, []int{96, 64}, []int{p.Width, p.Height}, name)
					looksUpright(t, img)
				}
				size := stored.Bounds().Size()
				for _, head := range []string{"", exifHead} {
					p, _ := process(t, webpOf(size.X, size.Y, red, riff("EXIF", append([]byte(head), block...))))
					require.Equal(t, []int{96, 64}, []int{p.Width, p.Height}, "WebP")
				}
			})
		}
	}
	exif := append([]byte(exifHead), tiff(binary.LittleEndian, 6)...)
	p, img := process(t, withSegments(jpegOf(t, lying(corners(4000, 3000), 6)), segment(markAPP1, exif)))
	require.Equal(t, []int{2560, 1920}, []int{p.Width, p.Height})
	looksUpright(t, img)
}

func TestAnUnreadableOrientationLeavesThePhotoAsItLies(t *testing.T) {
	t.Parallel()
	whole := tiff(binary.LittleEndian, 6)
	for n := range whole {
		require.Contains(t, []int{1, 6}, orientation(whole[:n]), "%d bytes", n)
	}
	require.Equal(t, 6, orientation(whole))
	change := func(at int, b ...byte) []byte {
		out := bytes.Clone(whole)
		copy(out[at:], b)
		return out
	}
	const second = 8 + 2 + 12 // the orientation's entry
	for name, block := range map[string][]byte{
		"no TIFF":                  change(0, 'X'),
		"a directory far outside":  change(4, 0xff, 0xff, 0xff, 0xff),
		"a directory at the end":   change(4, byte(len(whole)-1)),
		"orientation 9":            change(second+8, 9),
		"orientation 0":            change(second+8, 0),
		"orientation as a long":    change(second+2, 4),
		"a directory of no entry":  change(8, 0, 0),
		"a directory of one entry": change(8, 1, 0),
	} {
		require.Equal(t, 1, orientation(block), name)
	}
	require.Equal(t, 6, orientation(change(8, 0xff, 0xff)), "a directory that claims more entries than there are")
}

func FuzzOrientation(f *testing.F) {
	for o := range uint16(10) {
		f.Add(tiff(binary.LittleEndian, o))
		f.Add(tiff(binary.BigEndian, o))
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		o := orientation(block)
		require.True(t, o >= 1 && o <= 8)
		if len(block) < 60000 { // what fits into one segment
			file := withSegments([]byte("\xff\xd8"), segment(markAPP1, append([]byte(exifHead), block...)))
			require.Equal(t, o, orientation(jpegExif(file)))
		}
	})
}

func FuzzProcess(f *testing.F) {
	exif := append([]byte(exifHead), tiff(binary.LittleEndian, 6)...)
	f.Add(withSegments(jpegOf(f, corners(16, 8)), segment(markAPP1, exif)))
	f.Add(withChunk(pngOf(f, corners(16, 8)), pngChunk("eXIf", tiff(binary.BigEndian, 8))))
	f.Add(gifOf(f, corners(16, 8)))
	f.Add(webpOf(16, 8, red, riff("EXIF", exif)))
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBP"))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := Process(bytes.NewReader(file), 1<<16)
		if err != nil {
			require.Nil(t, p)
			require.True(t, model.IsCode(err, model.MediaUnsupported) || model.IsCode(err, model.TooLarge), "a fault of ours: %v", err)
			return
		}
		reads(t, p)
	})
}
