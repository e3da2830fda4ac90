package model

// Photos are the attachments a record shows, in order. They live in the attachment table; the type only gives them a place in the
// form.
type Photos []ID
