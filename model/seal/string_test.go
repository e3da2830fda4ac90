package seal_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sixelements/model/seal"
)

// sealedString is a String as it stands in memory after saving, with the key it was sealed under.
func sealedString(t testing.TB, text string) (seal.String, *seal.DataKey) {
	t.Helper()
	d, _, err := ring(t, seal.AES, 1).NewDataKey(nil)
	require.NoError(t, err)
	s := seal.Clear(text)
	require.NoError(t, s.Seal(d, []byte("id_no")))
	return s, d
}

// stored is a String as it comes from the database.
func stored(t testing.TB, text string) (seal.String, *seal.DataKey) {
	t.Helper()
	s, d := sealedString(t, text)
	var back seal.String
	require.NoError(t, back.Scan(s.Sealed()))
	return back, d
}

func TestATextGoesSealedThroughTheDatabaseAndOpens(t *testing.T) {
	t.Parallel()
	s := seal.Clear(secret)
	_, err := s.Value()
	require.ErrorIs(t, err, seal.ErrUnsealed)

	s, d := sealedString(t, secret)
	text, ok := s.Reveal()
	require.True(t, ok, "sealing drops nothing in memory")
	require.Equal(t, secret, text)
	v, err := s.Value()
	require.NoError(t, err)
	require.NotContains(t, string(v.([]byte)), secret)

	var back seal.String
	require.NoError(t, back.Scan(v))
	_, ok = back.Reveal()
	require.False(t, ok, "what came from the database is shut")
	require.False(t, back.IsZero())
	require.NoError(t, back.Open(d, []byte("id_no")))
	text, _ = back.Reveal()
	require.Equal(t, secret, text)
	require.Equal(t, "blob", back.GormDataType())
}

func TestAScannedTextDoesNotShareTheDriversBytes(t *testing.T) {
	t.Parallel()
	s, _ := sealedString(t, secret)
	buf := bytes.Clone(s.Sealed())
	var back seal.String
	require.NoError(t, back.Scan(buf))
	clear(buf)
	require.Equal(t, s.Sealed(), back.Sealed())
}

func TestTheZeroTextIsNull(t *testing.T) {
	t.Parallel()
	d, _, err := ring(t, seal.AES, 1).NewDataKey(nil)
	require.NoError(t, err)
	for _, s := range []seal.String{{}, seal.Clear("")} {
		require.True(t, s.IsZero())
		require.NoError(t, s.Seal(d, nil))
		require.NoError(t, s.Open(d, nil))
		v, err := s.Value()
		require.NoError(t, err)
		require.Nil(t, v)
		_, ok := s.Reveal()
		require.False(t, ok)
	}
	s, _ := sealedString(t, secret)
	require.NoError(t, s.Scan(nil))
	require.True(t, s.IsZero())
}

func TestScanRefusesWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	whole, _ := sealedString(t, secret)
	small, err := ring(t, seal.AES, 1).Seal([]byte(secret), nil)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		src  any
		want error
	}{
		"text":               {secret, seal.ErrPlain},
		"bytes of text":      {[]byte(secret), seal.ErrPlain},
		"no bytes":           {[]byte{}, seal.ErrPlain},
		"a number":           {int64(410102), seal.ErrPlain},
		"sealed, as a text":  {string(whole.Sealed()), seal.ErrPlain},
		"another kind":       {small, seal.ErrPlain},
		"a value cut short":  {whole.Sealed()[:20], seal.ErrFormat},
		"an unknown suite":   {[]byte("\xff\x06\x09" + string(whole.Sealed()[3:])), seal.ErrFormat},
		"the magic, no more": {[]byte{0xff, 6}, seal.ErrFormat},
	} {
		var s seal.String
		err := s.Scan(c.src)
		require.ErrorIs(t, err, c.want, name)
		require.NotContains(t, err.Error(), "410102", name)
		require.True(t, s.IsZero(), name)
	}
}

func TestSavingWhatWasReadKeepsTheCiphertext(t *testing.T) {
	t.Parallel()
	for _, opened := range []bool{true, false} {
		s, d := stored(t, secret)
		before := bytes.Clone(s.Sealed())
		if opened {
			require.NoError(t, s.Open(d, []byte("id_no")))
		}
		require.NoError(t, s.Seal(d, []byte("id_no")))
		require.Equal(t, before, s.Sealed())
	}
}

func TestATextTakenToAnotherRecordOrFieldIsSealedAnewOrRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		another bool
		aad     string
		refusal error
	}{
		"another record": {true, "id_no", seal.ErrUnknownKey},
		"another field":  {false, "phone", seal.ErrOpen},
	} {
		shut, d := stored(t, secret)
		open := shut
		require.NoError(t, open.Open(d, []byte("id_no")))
		if c.another {
			_, d = sealedString(t, "x")
		}
		require.ErrorIs(t, shut.Seal(d, []byte(c.aad)), c.refusal, name)
		require.NoError(t, open.Seal(d, []byte(c.aad)), name)
		require.NotEqual(t, shut.Sealed(), open.Sealed(), name)
		got, err := d.Open(open.Sealed(), []byte(c.aad))
		require.NoError(t, err, name)
		require.Equal(t, secret, string(got), name)
	}
}

func TestATextDoesNotOpenUnderAnotherKeyOrPlace(t *testing.T) {
	t.Parallel()
	s, d := stored(t, secret)
	_, e := stored(t, secret)
	require.ErrorIs(t, s.Open(e, []byte("id_no")), seal.ErrUnknownKey)
	require.ErrorIs(t, s.Open(nil, []byte("id_no")), seal.ErrUnknownKey)
	require.ErrorIs(t, s.Open(d, []byte("phone")), seal.ErrOpen)
	_, ok := s.Reveal()
	require.False(t, ok)
	require.NoError(t, s.Open(d, []byte("id_no")), "a failure leaves it as it was")
	fresh := seal.Clear(secret)
	require.ErrorIs(t, fresh.Seal(nil, nil), seal.ErrUnknownKey)
	_, err := fresh.Value()
	require.ErrorIs(t, err, seal.ErrUnsealed)
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	s, d := sealedString(t, secret)
	k, err := seal.NewKeyring(seal.SM, time.Now, []byte("TOP-SECRET-410102-TOP-SECRET-410"))
	require.NoError(t, err)
	type hidden struct{ inner seal.String } // fmt calls no method of an unexported field
	type shown struct {
		ID    seal.String
		Point *seal.String
		Map   map[string]seal.String
	}
	for name, v := range map[string]any{
		"cleartext": seal.Clear(secret), "sealed": s, "pointer": &s, "hidden field": hidden{s}, "pointer to hidden field": &hidden{s},
		"struct": shown{s, &s, map[string]seal.String{"a": s}}, "slice": []seal.String{s},
		"data key": d, "keyring": k, "hasher": seal.NewHasher(seal.AES, []byte(secret)),
	} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10s", "%T"} {
			fmt.Fprintf(&out, verb, v)
		}
		fmt.Fprintln(&out, v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		if b, err := xml.Marshal(v); err == nil {
			out.Write(b)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		for _, leak := range []string{
			secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), "[84 79 80", "84, 79, 80", "VE9QLVNF",
		} {
			require.NotContains(t, out.String(), leak, name)
		}
	}
	require.Equal(t, "*** *** ***", fmt.Sprintf("%s %v %d", s, s, s))
	require.Equal(t, "***", s.LogValue().String())
	require.Equal(t, "***", s.GoString()+s.String()[3:])
	text, err := s.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "***", string(text))
	b, err := json.Marshal(struct{ A, B seal.String }{s, seal.String{}})
	require.NoError(t, err)
	require.JSONEq(t, `{"A":"***","B":"***"}`, string(b))
}

func TestATextIsNotReadFromJSON(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{"id_no":"` + secret + `"}`, `{"id_no":null}`, `{"id_no":"***"}`} {
		var into struct {
			IDNo seal.String `json:"id_no"`
		}
		err := json.Unmarshal([]byte(in), &into)
		require.ErrorIs(t, err, seal.ErrPlain)
		require.NotContains(t, err.Error(), secret)
		require.True(t, into.IDNo.IsZero())
	}
	var s seal.String
	require.ErrorIs(t, s.UnmarshalText([]byte(secret)), seal.ErrPlain)
}
