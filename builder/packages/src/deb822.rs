//! Paragraphs of fields, as in Debian's control files.
//!
//! Source: Debian Policy, "Syntax of control files" (5.1); deb822(5).

/// Most fields of a paragraph; real ones have about 20.
const MOST_FIELDS: usize = 1000;

/// Text that is not made of fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {problem}")]
pub struct Malformed {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Fields up to an empty line.
#[derive(Debug)]
pub(crate) struct Paragraph<'a> {
    /// The first line, counted from 1.
    pub(crate) line: usize,
    fields: Vec<Field<'a>>,
}

/// A name and its value.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    name: &'a [u8],
    /// What stands on the line of the name, trimmed.
    pub(crate) value: &'a [u8],
    /// The first of the lines that go on, trimmed; empty where none does.
    pub(crate) next: &'a [u8],
}

impl<'a> Paragraph<'a> {
    /// The field of that name, in any case.
    pub(crate) fn field(&self, name: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// What stands on the first line of the field of that name.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.field(name).map(|field| field.value)
    }
}

/// The paragraphs of `text`; after an error there are no more.
pub(crate) fn paragraphs(text: &[u8]) -> impl Iterator<Item = Result<Paragraph<'_>, Malformed>> {
    let mut lines = text.split(|&byte| byte == b'\n').zip(1..);
    let mut failed = false;
    std::iter::from_fn(move || {
        let mut paragraph: Option<Paragraph> = None;
        while !failed {
            let Some((line, number)) = lines.next() else { break };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                if paragraph.is_some() {
                    break;
                }
                continue;
            }
            if line.starts_with(b"#") {
                continue;
            }
            if let Err(problem) = add_line(&mut paragraph, line, number) {
                failed = true;
                return Some(Err(Malformed { line: number, problem }));
            }
        }
        paragraph.map(Ok)
    })
}

fn add_line<'a>(paragraph: &mut Option<Paragraph<'a>>, line: &'a [u8], number: usize) -> Result<(), &'static str> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        let text = line.trim_ascii();
        return match paragraph.as_mut().and_then(|paragraph| paragraph.fields.last_mut()) {
            Some(field) => {
                if field.next.is_empty() {
                    field.next = text;
                }
                Ok(())
            }
            // Blanks between two paragraphs are nobody's.
            None if text.is_empty() => Ok(()),
            None => Err("goes on with a field, and none began"),
        };
    }
    let colon = line.iter().position(|&byte| byte == b':').ok_or("has no colon behind a field's name")?;
    let (name, value) = line.split_at(colon);
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return Err("begins with something that is no field's name");
    }
    let fields = &mut paragraph.get_or_insert(Paragraph { line: number, fields: Vec::new() }).fields;
    if fields.len() == MOST_FIELDS {
        return Err("is the 1,001st field of its paragraph, and 1,000 are read");
    }
    fields.push(Field { name, value: value[1..].trim_ascii(), next: b"" });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Malformed, paragraphs};

    #[test]
    fn paragraphs_end_at_empty_lines_and_fields_go_on_behind_blanks() {
        let text = b"\n\nA: 1\nLong:\n first\n\tsecond\n  \n .\n# note\nb-C:x:y\r\n\n \n\nA:2";
        let all: Vec<_> = paragraphs(text).map(Result::unwrap).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].line, all[1].line), (3, 14));
        assert_eq!(all[0].value("a"), Some(&b"1"[..]));
        assert_eq!(all[0].value("B-C"), Some(&b"x:y"[..]));
        assert_eq!(all[0].field("long").map(|field| (field.value, field.next)), Some((&b""[..], &b"first"[..])));
        assert_eq!(all[1].value("A"), Some(&b"2"[..]));
        assert_eq!(all[1].value("B"), None);
        assert_eq!(paragraphs(b"").count(), 0);
    }

    #[test]
    fn what_is_no_field_ends_the_text_with_its_line() {
        let many = "A:\n".repeat(5000);
        let bad = [("A: 1\nwords", 2), ("\n goes on", 2), (": 1", 1), ("A: 1\n\nA b: 1\n\nB: 1", 3), (&many, 1001)];
        for (text, line) in bad {
            let mut found = paragraphs(text.as_bytes()).skip_while(Result::is_ok);
            let Some(Err(Malformed { line: found_line, .. })) = found.next() else { panic!("{text:?}") };
            assert_eq!(found_line, line, "{text:?}");
            assert!(found.next().is_none());
        }
    }
}
