//! Bytes that two files have, of which each needs its own.

use crate::tree::Extent;
use crate::{Finding, Report};

/// Tells extents that overlap. The same extent twice is one file under two names.
pub(crate) fn check(mut extents: Vec<(Extent, String)>, report: &mut Report) {
    extents.sort();
    let mut last: Option<(Extent, String)> = None;
    for (extent, path) in extents {
        let end = |extent: &Extent| extent.offset.saturating_add(extent.length);
        if let Some((before, other)) = &last
            && *before != extent
            && end(before) > extent.offset
        {
            let found = format!("bytes {} to {}, part of them in {other}", extent.offset, end(&extent));
            report.push(Finding::error(&path, "extent", found, "bytes of its own"));
        }
        if last.as_ref().is_none_or(|(before, _)| end(before) <= end(&extent)) {
            last = Some((extent, path));
        }
    }
}
