//! Tables as SQLite itself reads them, and tables that it would not.

use std::path::Path;
use std::process::Command;

use builder_tree::Content;
use proptest::prelude::*;

use super::{Database, SqliteError, Value, column};

/// Runs `sqlite3` on the database at `path`.
fn sqlite3(path: &Path, commands: &str) -> String {
    let output = match Command::new("sqlite3").arg("-batch").arg(path).arg(commands).output() {
        Ok(output) => output,
        Err(error) => panic!("sqlite3: {error}; install the Debian package `sqlite3`"),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "sqlite3: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Rows that have all sorts of lengths, in a table like rpm's; `before` are pragmas.
fn statements(before: &str, rows: u32, longest: u32) -> String {
    format!(
        "{before}; CREATE TABLE other(a); INSERT INTO other VALUES (1); \
         CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL); \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         INSERT INTO Packages SELECT i * 3, randomblob(1 + i * 7919 % {longest}) FROM n; \
         DELETE FROM Packages WHERE hnum % 7 = 0;"
    )
}

fn content(path: &Path) -> Content {
    Content::bytes(std::fs::read(path).unwrap())
}

/// Number and blob in hexadecimal digits, row by row.
fn rows(body: &Content, wal: Option<&Content>) -> Result<String, SqliteError> {
    let database = Database::open(body, wal)?;
    let root = database.table("Packages")?;
    let mut text = String::new();
    database.rows(root, &|error| error, &mut |number, record| {
        let Value::Blob(blob) = column(record, 1)? else { return Err(SqliteError::NotADatabase) };
        text += &format!("{number}|");
        for byte in blob {
            text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
        text.push('\n');
        Ok(())
    })?;
    Ok(text)
}

const SELECT: &str = "SELECT hnum, hex(blob) FROM Packages ORDER BY hnum";

#[test]
fn rows_are_those_that_sqlite_selects() {
    let folder = tempfile::tempdir().unwrap();
    for (page_size, count, longest) in [
        // Several levels, and chains of many pages.
        (512, 3000, 900),
        (1024, 50, 30_000),
        // Every length around those at which a record leaves its page.
        (512, 2000, 512),
        (4096, 1500, 9000),
        (65_536, 100, 70_000),
        (4096, 0, 1),
    ] {
        let path = folder.path().join(format!("{page_size}-{count}.sqlite"));
        sqlite3(&path, &statements(&format!("PRAGMA page_size = {page_size}"), count, longest));
        assert_eq!(rows(&content(&path), None).unwrap(), sqlite3(&path, SELECT), "{page_size} {count} {longest}");
    }
}

#[test]
fn finished_transactions_of_the_log_count_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let log = folder.path().join("db-wal");
    sqlite3(&path, &statements("PRAGMA journal_mode = WAL", 150, 3000));
    assert!(!log.exists(), "the log is emptied when the last one leaves");
    let before = rows(&content(&path), None).unwrap();
    // A cache of few pages, so that the pages of the second transaction are in the log before it is given up.
    let script = "\
        .dbconfig no_ckpt_on_close on\n\
        PRAGMA cache_size = 5;\n\
        INSERT INTO Packages SELECT hnum + 100000, randomblob(3000) FROM Packages;\n\
        DELETE FROM Packages WHERE hnum < 200;\n\
        BEGIN; UPDATE Packages SET blob = randomblob(2000);\n";
    let input = folder.path().join("script");
    std::fs::write(&input, script).unwrap();
    let script = std::fs::File::open(&input).unwrap();
    assert!(Command::new("sqlite3").arg("-batch").arg(&path).stdin(script).output().unwrap().status.success());

    let (body, wal) = (content(&path), content(&log));
    assert!(wal.size() > 100_000);
    let after = rows(&body, Some(&wal)).unwrap();
    assert_ne!(after, before);
    // A log that ends anywhere is one with fewer transactions.
    let bytes = wal.read_to_vec(u64::MAX).unwrap();
    let mut states = vec![before];
    for length in (0..bytes.len()).step_by(bytes.len() / 25) {
        let short = Content::bytes(bytes[..length].to_vec());
        let found = rows(&body, Some(&short)).unwrap();
        if states.last() != Some(&found) {
            states.push(found);
        }
    }
    states.dedup();
    assert_eq!(states.len(), 3, "before, after the insertion, after the deletion");
    assert_eq!(states.last(), Some(&after));
    // So is one with a damaged frame, from there on.
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    assert_eq!(rows(&body, Some(&Content::bytes(damaged))).unwrap(), states[0]);
    // SQLite last, since it empties the log.
    assert_eq!(after, sqlite3(&path, SELECT));
}

/// A small database with an interior page and a chain, as bytes.
fn small() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    sqlite3(&path, &statements("PRAGMA page_size = 512", 60, 1500));
    std::fs::read(path).unwrap()
}

#[test]
fn damage_is_named() {
    let good = small();
    let root = 512 * (usize::try_from(root_page(&good)).unwrap() - 1);
    let pages = u32::try_from(good.len() / 512).unwrap();
    let set = |offset: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[offset..offset + bytes.len()].copy_from_slice(bytes);
        bad
    };
    assert_eq!(good[root], 0x05, "the root is an interior page");
    let first_cell = root + usize::from(u16::from_be_bytes([good[root + 12], good[root + 13]]));
    let own = root_page(&good).to_be_bytes();
    for (bad, expected) in [
        (Vec::new(), "it does not begin with the header of an SQLite 3 database".to_owned()),
        (set(0, b"X"), "it does not begin with the header of an SQLite 3 database".to_owned()),
        (set(16, &[3, 0]), "its header says 768 for the size of a page".to_owned()),
        (set(16, &[0, 0]), "its header says 0 for the size of a page".to_owned()),
        (set(19, &[3]), "its header says 3 for the version to read".to_owned()),
        (set(20, &[200]), "its header says 200 for the bytes kept free".to_owned()),
        (set(100, &[2]), "page 1 is of type 0x02".to_owned()),
        (set(103, &[0xff, 0xff]), "page 1: the list of cells would end at byte 131178 of 512".to_owned()),
        (set(root, &[0x0a]), format!("page {} is of type 0x0a", root_page(&good))),
        (set(root + 12, &[0xff, 0xff]), format!("page {}: a cell would end at byte 65539 of 512", root_page(&good))),
        (set(first_cell, &[0; 4]), format!("page 0 is asked for, and there are 1 to {pages}")),
        (set(first_cell, &[0xff; 4]), format!("page {} is asked for, and there are 1 to {pages}", u32::MAX)),
        (set(first_cell, &own), "its table has more than 20 levels".to_owned()),
    ] {
        let error = rows(&Content::bytes(bad), None).unwrap_err().to_string();
        assert!(error.starts_with(&expected), "{error}, and not {expected}");
    }
    let none = Content::bytes(good.clone());
    let error = Database::open(&none, None).unwrap().table("Names").unwrap_err();
    assert_eq!(error.to_string(), "it has no table Names");
}

fn root_page(bytes: &[u8]) -> u32 {
    let body = Content::bytes(bytes.to_vec());
    Database::open(&body, None).unwrap().table("Packages").unwrap()
}

#[test]
fn a_circle_of_overflow_pages_ends_with_the_file() {
    // Two pages of 512 bytes: the schema, whose one row claims 400 bytes less than 256 MiB, is its own chain.
    let mut bytes = vec![0; 1024];
    bytes[..16].copy_from_slice(b"SQLite format 3\0");
    bytes[16..20].copy_from_slice(&[2, 0, 1, 1]);
    bytes[100] = 0x0d;
    bytes[104] = 1;
    bytes[108..110].copy_from_slice(&[0, 120]);
    let claim = |bytes: &mut Vec<u8>, length: &[u8]| bytes[120..120 + length.len()].copy_from_slice(length);
    claim(&mut bytes, &[0xff, 0xff, 0xff, 0x7f]);
    let error = rows(&Content::bytes(bytes.clone()), None).unwrap_err();
    assert!(matches!(error, SqliteError::RecordLength { page: 1, length: 0xfff_ffff, limit: 1024 }), "{error}");
    // 1024 bytes, of which few stand in page 1; behind them comes the link to page 2, which leads to itself.
    claim(&mut bytes, &[0x88, 0x00, 1]);
    bytes[200..512].fill(2);
    bytes[123 + super::here(1024, 512)..][..4].copy_from_slice(&[0, 0, 0, 2]);
    bytes[512..516].copy_from_slice(&[0, 0, 0, 2]);
    let error = rows(&Content::bytes(bytes), None).unwrap_err();
    assert!(matches!(error, SqliteError::Circle { pages: 2 }), "{error}");
}

#[test]
fn rows_that_lie_over_each_other_are_refused() {
    // A page with 150 cells, all of them at byte 460, where a row of 40 bytes stands.
    let mut bytes = vec![0; 512];
    bytes[..16].copy_from_slice(b"SQLite format 3\0");
    bytes[16..20].copy_from_slice(&[2, 0, 1, 1]);
    bytes[100..105].copy_from_slice(&[0x0d, 0, 0, 0, 150]);
    for cell in 0..150 {
        bytes[108 + 2 * cell..][..2].copy_from_slice(&460u16.to_be_bytes());
    }
    // 40 bytes, row 1, a header of one byte: no columns.
    bytes[460..463].copy_from_slice(&[40, 1, 1]);
    let error = rows(&Content::bytes(bytes), None).unwrap_err();
    assert!(matches!(error, SqliteError::Overlap { page: 1, size: 512 }), "{error}");
}

#[test]
fn damaged_databases_never_panic() {
    let good = small();
    let damage = proptest::collection::vec((0..good.len(), any::<u8>()), 1..40);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    runner
        .run(&(damage, 0..good.len()), |(damage, length)| {
            let mut bad = good.clone();
            for (offset, byte) in damage {
                bad[offset] = byte;
            }
            let _ = rows(&Content::bytes(bad.clone()), None);
            bad.truncate(length);
            let _ = rows(&Content::bytes(bad), None);
            Ok(())
        })
        .unwrap();
}
