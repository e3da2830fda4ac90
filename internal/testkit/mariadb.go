package testkit

import "sixelements/internal/testkit/mariadb"

// MariaDB is a private MariaDB server, for one test process or one test run.
type MariaDB = mariadb.Server

// StartMariaDB starts a private MariaDB in dir, with the settings given as mariadbd options; see [mariadb.Start], and
// [mariadb.Relaxed] for the settings of tests that do not test durability.
func StartMariaDB(dir string, settings ...string) (*MariaDB, error) {
	return mariadb.Start(dir, settings...)
}
