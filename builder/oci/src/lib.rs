//! Placeholder door; see the crate's description.
