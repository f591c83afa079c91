//! Text as the fields of a document can have it.

/// `text` on one line: every run of white space and control characters is one blank, and there is none around it.
pub(crate) fn one_line(text: &str) -> String {
    let parts = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// Whether `text` is an absolute URI, as far as its characters go (RFC 3986).
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let punctuation = b"-._~:/?#[]@!$&'()*+,;=%";
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

/// Whether `text` is the address of a page that a person could look at.
pub(crate) fn is_page(text: &str) -> bool {
    is_uri(text) && ["http://", "https://", "ftp://"].iter().any(|scheme| text.starts_with(scheme))
}
