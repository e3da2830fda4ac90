package ledger

// Split has ledgers split over sheets and parts of so many rows.
func (s *Service) Split(sheet, part int) { s.sheetRows, s.partRows = sheet, part }
