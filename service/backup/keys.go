package backup

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// leastPassphrase is in characters: who has the backup can try as many as he likes.
const leastPassphrase = 12

var errBoth = errors.New("give public keys or a passphrase, not both: age cannot mix them")

// Recipients are whom a backup is encrypted to: age public keys (age1…, age1pq1…), or a passphrase of at least 12 characters. The
// error says which key is wrong by its place and never repeats it. Errors: ErrRecipient when there is neither.
func Recipients(texts []string, passphrase string) ([]age.Recipient, error) {
	if passphrase != "" {
		if len(texts) > 0 {
			return nil, errBoth
		}
		if len([]rune(passphrase)) < leastPassphrase {
			return nil, fmt.Errorf("the passphrase is too short: at least %d characters", leastPassphrase)
		}
		r, err := age.NewScryptRecipient(passphrase)
		return []age.Recipient{r}, err
	}
	var out []age.Recipient
	for i, t := range texts {
		r, err := age.ParseRecipients(strings.NewReader(strings.TrimSpace(t)))
		if err != nil || len(r) != 1 {
			return nil, fmt.Errorf("recipient %d is not an age public key (age1…)", i+1)
		}
		out = append(out, r...)
	}
	if len(out) == 0 {
		return nil, ErrRecipient
	}
	return out, nil
}

// Identities are what a backup is opened with: the secret keys of an age key file (AGE-SECRET-KEY-1…, one a line), or the
// passphrase. keyFile may be nil. Errors never hold what was given.
func Identities(keyFile io.Reader, passphrase string) ([]age.Identity, error) {
	switch {
	case keyFile != nil && passphrase != "":
		return nil, errBoth
	case passphrase != "":
		id, err := age.NewScryptIdentity(passphrase)
		return []age.Identity{id}, err
	case keyFile == nil:
		return nil, errors.New("give the age key file or the passphrase of the backup")
	}
	ids, err := age.ParseIdentities(keyFile)
	if err != nil {
		return nil, errors.New("the key file holds no age secret key, or something else beside (expected lines of AGE-SECRET-KEY-1…)")
	}
	return ids, nil
}
