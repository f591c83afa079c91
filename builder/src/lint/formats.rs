//! A report as text, and in the forms that other programs read.

mod github;
mod junit;
mod sarif;
pub(crate) mod text;
