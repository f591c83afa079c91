//! The `.origin` beside a deployment: where its image came from and will be upgraded from (spec 4.6).

use crate::{OstreeError, TargetImage};

/// The text of the origin file of an image.
pub(crate) fn text(target: &TargetImage) -> Result<String, OstreeError> {
    let reference = key_file_value("the image reference", &target.origin_reference())?;
    Ok(format!("[origin]\ncontainer-image-reference={reference}\n"))
}

/// A value as GLib's key files hold it: backslashes doubled, a leading space as `\s`.
pub(crate) fn key_file_value(what: &'static str, value: &str) -> Result<String, OstreeError> {
    if value.chars().any(char::is_control) {
        let given = value.to_owned();
        return Err(OstreeError::Text { what, given, problem: "has a control character in it" });
    }
    let escaped = value.replace('\\', "\\\\");
    Ok(match escaped.strip_prefix(' ') {
        Some(rest) => format!("\\s{rest}"),
        None => escaped,
    })
}
