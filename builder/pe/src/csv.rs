//! Tables as shim reads them: SBAT's. shim, csv.c.

use crate::sbat::SbatError;

/// Most bytes of a table; real ones have some hundred.
const MOST_BYTES: usize = 1 << 20;
/// More rows than any program has components.
const MOST_ROWS: usize = 4096;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One row.
pub(crate) struct Row<'a> {
    /// Counted from 1, without empty ones.
    pub(crate) number: usize,
    /// None is empty.
    pub(crate) columns: Vec<&'a str>,
}

/// Reads rows of at least `least` columns, up to the first NUL. Columns behind the first `most` are left out.
pub(crate) fn rows(text: &[u8], least: usize, most: usize) -> Result<Vec<Row<'_>>, SbatError> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.len() > MOST_BYTES {
        return Err(SbatError::TooLarge { bytes: text.len(), limit: MOST_BYTES });
    }
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|source| SbatError::NotText { source })?;
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.split(['\r', '\n']).filter(|line| !line.is_empty())) {
        if number > MOST_ROWS {
            return Err(SbatError::TooMany { limit: MOST_ROWS });
        }
        let columns: Vec<_> = line.split(',').take(most).collect();
        if columns.len() < least {
            return Err(SbatError::Columns { row: number, found: columns.len(), least });
        }
        if let Some(column) = columns.iter().position(|column| column.is_empty()) {
            return Err(SbatError::Empty { row: number, column: column + 1 });
        }
        rows.push(Row { number, columns });
    }
    Ok(rows)
}

/// A generation: the number that is compared. shim keeps it in 16 bits.
pub(crate) fn generation(row: &Row<'_>, text: &str) -> Result<u16, SbatError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| SbatError::Generation {
        row: row.number,
        component: row.columns.first().copied().unwrap_or_default().escape_debug().to_string(),
        found: text.escape_debug().to_string(),
    })
}
