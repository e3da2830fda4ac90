-- 在第一个数据库节点上执行一次，先把三个“密码”换掉：mariadb < galera.sql
-- Once, on the first node. The owner migrates, the application reads and writes rows, the check reads one row.
CREATE DATABASE six CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER 'six_owner'@'%' IDENTIFIED BY '密码一';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON six.* TO 'six_owner'@'%';
CREATE USER 'six_app'@'%' IDENTIFIED BY '密码二';
GRANT SELECT, INSERT, UPDATE, DELETE ON six.* TO 'six_app'@'%';

CREATE DATABASE six_check CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE six_check.alive (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO six_check.alive VALUES (1);
CREATE USER 'six_check'@'localhost' IDENTIFIED BY '密码三';
GRANT SELECT ON six_check.* TO 'six_check'@'localhost';
