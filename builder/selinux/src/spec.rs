//! The lines of a contexts file.

use crate::error::{LineProblem, SelinuxError};
use crate::label::FileKind;
use crate::subs::words;

/// The longest context: the kernel hands contexts over in a page.
const CONTEXT_LIMIT: usize = 4095;

/// A line that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpecLine<'a> {
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// The pattern as it stands there.
    pub(crate) pattern: &'a [u8],
    /// The type of file it is about; `None` for all.
    pub(crate) kind: Option<FileKind>,
    /// The context; `None` for `<<none>>`.
    pub(crate) context: Option<&'a [u8]>,
}

/// The specifications of the contexts file `file`, in order; the rules are those of libselinux' `process_line`.
pub(crate) fn lines<'a>(file: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = Result<SpecLine<'a>, SelinuxError>> {
    text.split(|&byte| byte == b'\n').enumerate().filter_map(move |(index, text)| {
        let line = index + 1;
        spec(line, text).map_err(|problem| SelinuxError::Line { file: file.to_vec(), line, problem }).transpose()
    })
}

fn spec(line: usize, text: &[u8]) -> Result<Option<SpecLine<'_>>, LineProblem> {
    let mut words = words(text);
    let Some(pattern) = words.next().filter(|word| !word.starts_with(b"#")) else { return Ok(None) };
    // What follows a third word is no part of the specification, so it may be anything.
    let (second, third) = (words.next(), words.next());
    for word in [Some(pattern), second, third].into_iter().flatten() {
        if let Some(&byte) = word.iter().find(|&&byte| !byte.is_ascii() || byte == 0) {
            return Err(LineProblem::NotText(byte));
        }
    }
    let (kind, context) = match (second, third) {
        (None, _) => return Err(LineProblem::NoContext),
        (Some(kind), None) if FileKind::from_field(kind).is_some() => return Err(LineProblem::NoContext),
        (Some(context), None) => (None, context),
        (Some(kind), Some(context)) => {
            let kind = FileKind::from_field(kind).ok_or_else(|| LineProblem::UnknownType(kind.to_vec()))?;
            (Some(kind), context)
        }
    };
    if context.len() > CONTEXT_LIMIT {
        return Err(LineProblem::LongContext { length: context.len(), limit: CONTEXT_LIMIT });
    }
    let context = Some(context).filter(|context| context != b"<<none>>");
    Ok(Some(SpecLine { line, pattern, kind, context }))
}

#[cfg(test)]
mod tests {
    use super::lines;
    use crate::FileKind;

    #[test]
    fn lines_are_pattern_type_and_context() {
        let text = b"# one\n\n/a u:r:t:s0\n  /b\t-d   u:r:t:s0 ignored \xff\n/c -- <<none>>\r\n\x0b\n/d <<none>>";
        let found: Vec<_> = lines(b"fc", text).map(Result::unwrap).collect();
        let context = Some(&b"u:r:t:s0"[..]);
        let rows: Vec<_> = found.iter().map(|spec| (spec.line, spec.pattern, spec.kind, spec.context)).collect();
        assert_eq!(
            rows,
            [
                (3, &b"/a"[..], None, context),
                (4, b"/b", Some(FileKind::Directory), context),
                (5, b"/c", Some(FileKind::Regular), None),
                (7, b"/d", None, None),
            ]
        );
    }

    #[test]
    fn a_malformed_line_is_named() {
        for (text, expected) in [
            (&b"/a u:r:t:s0\n/b\n"[..], "/fc line 2: the context is missing"),
            (b"/b --\n", "/fc line 1: the context is missing"),
            (b"/b -x u:r:t:s0\n", "/fc line 1: \"-x\" is no file type; known are -- -d -l -c -b -p -s"),
            (b"\n/\xc3\xa4 u:r:t:s0\n", "/fc line 2: byte 0xc3 is not ASCII text"),
            (b"/a\0b u:r:t:s0\n", "/fc line 1: byte 0x00 is not ASCII text"),
        ] {
            let error = lines(b"fc", text).find_map(Result::err).unwrap();
            assert_eq!(error.to_string(), expected);
        }
    }
}
