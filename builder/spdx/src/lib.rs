//! Bills of materials: SPDX 2.3 documents in JSON.
//!
//! ```text
//!  SPDXRef-DOCUMENT ── DESCRIBES ──► image (name, digest) ── CONTAINS ──► package …
//!                                                                          licence ── LicenseRef-… ──► recorded text
//! ```
//!
//! A document is made of nothing but its [`Document`]: the same one gives the same bytes.
//!
//! Source: "Software Package Data Exchange (SPDX) Specification" 2.3 (ISO/IEC 5962), clauses 6, 7, 10, 11 and annex D.

mod created;
mod document;
mod error;
mod identifier;
mod license;
mod names;
mod text;

pub use document::{Document, Image, Package, Supplier};
pub use error::SpdxError;
