//! Reports as one page of HTML that needs nothing else: no network, no script, no file beside it.
//!
//! ```text
//!  lint   ──► findings, treemaps of directories, packages, layers ─┐
//!  check  ──► partition map, boot walk, findings                   ├─► Page ──► one file
//!  smoke  ──► timeline, evidence, screenshot                       ┘
//! ```

mod bar;
pub(crate) mod evidence;
pub(crate) mod findings;
pub(crate) mod partition_map;
pub(crate) mod timeline;
pub(crate) mod treemap;
pub(crate) mod walk;

use std::io::Write as _;
use std::path::Path;

use builder::{BuildError, OutputError, PendingFile};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::Failure;

const STYLE: &str = include_str!("page/style.css");

/// Nothing is loaded from anywhere, whatever an image has put into its names.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// How something has turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Note,
    Warning,
    Bad,
}

impl Tone {
    /// Its class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }

    /// A sign beside the colour, for those who do not see it.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Note => "·",
            Self::Warning => "!",
            Self::Bad => "✗",
        }
    }
}

/// A part of a page.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) body: Markup,
}

impl Section {
    pub(crate) fn new(title: impl Into<String>, body: Markup) -> Self {
        Self { title: title.into(), body }
    }
}

/// A report.
pub(crate) struct Page {
    /// The command that it is of.
    pub(crate) command: &'static str,
    /// What was looked at.
    pub(crate) subject: String,
    pub(crate) tone: Tone,
    /// What came of it, in a few words.
    pub(crate) verdict: String,
    /// Names and values that belong to the subject.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) sections: Vec<Section>,
}

impl Page {
    fn render(&self) -> String {
        let Self { command, subject, tone, verdict, facts, sections } = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    title { "diskwright " (command) ": " (subject) }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        p.command { "diskwright " (command) }
                        h1 { (subject) }
                        p class={ "verdict " (tone.class()) } { span.mark { (tone.mark()) } " " (verdict) }
                        @if !facts.is_empty() {
                            dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
                        }
                    }
                    main {
                        @for Section { title, body } in sections {
                            section { h2 { (title) } (body) }
                        }
                    }
                    footer { "diskwright " (env!("CARGO_PKG_VERSION")) }
                }
            }
        };
        harmless(page.into_string())
    }

    /// Writes it to `path`, whole or not at all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let pending = PendingFile::create(path).map_err(BuildError::from)?;
        self.write_to(&pending)?;
        pending.complete().map_err(BuildError::from)?;
        Ok(())
    }

    /// Writes it to a file that has no name yet.
    pub(crate) fn write_to(&self, pending: &PendingFile) -> Result<(), Failure> {
        let mut file = pending.file().map_err(BuildError::from)?;
        file.write_all(self.render().as_bytes()).map_err(|source| {
            let path = pending.path().to_owned();
            BuildError::from(OutputError::Write { path, source }).into()
        })
    }
}

/// The page without what a terminal obeys, for those who look at the file in one; HTML has no such characters.
fn harmless(page: String) -> String {
    let is_harmful = |c: char| c.is_control() && c != '\n';
    if page.contains(is_harmful) { page.replace(is_harmful, "\u{fffd}") } else { page }
}

/// A sentence in which words between grave accents are code.
fn prose(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Two digits behind the point, as drawings have their numbers: the same on every machine.
fn number(value: f64) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::{Page, Section, Tone};

    #[test]
    fn what_an_image_calls_its_files_does_not_become_a_part_of_the_page() {
        let evil = "<script>alert(1)</script>\" onload='x' &amp;\x1b[31m\u{9b}2J";
        let page = Page {
            command: "lint",
            subject: evil.to_owned(),
            tone: Tone::Bad,
            verdict: evil.to_owned(),
            facts: vec![("digest", evil.to_owned())],
            sections: vec![Section::new(evil, html! { p title=(evil) { (evil) } })],
        };
        let text = page.render();
        assert!(!text.contains("<script") && !text.contains("\" onload"), "{text}");
        assert_eq!(text.matches("&lt;script&gt;").count(), 7, "{text}");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}
