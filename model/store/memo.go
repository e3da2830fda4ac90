package store

// Memo answers what was looked up under the key before in this transaction, or looks it up. A function behind a door reads what was
// there before it, so that a look-up gives the same as long as the transaction lasts: many records at one building ask once.
func Memo[T any](tx *Tx, key string, load func() (T, error)) (T, error) {
	if v, ok := tx.memo[key].(T); ok {
		return v, nil
	}
	v, err := load()
	if err == nil {
		tx.memo[key] = v
	}
	return v, err
}
