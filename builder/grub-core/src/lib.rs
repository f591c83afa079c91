//! GRUB for a BIOS, put together from its pieces as `grub-mkimage -O i386-pc-eltorito` does it, without running anything.
//!
//! ```text
//!  byte 0         2048            2560                  5408 (in GRUB 2.06)
//!  ┌────────────┬───────────────┬─────────────────────┬─────────────────────────────────────────────┐
//!  │ cdboot.img │ diskboot.img  │ lzma_decompress.img │ LZMA: kernel, modules, first lines, prefix  │
//!  └─▲──────────┴─▲─────────────┴─────────────────────┴─────────────────────────────────────────────┘
//!    │            └── boot_hybrid.img in the first sector of a stick
//!    └── the BIOS, by the boot catalogue of a disc
//! ```
//!
//! The pieces are those of the package that an image has (Debian's `grub-pc-bin`, Fedora's `grub2-pc-modules`), below
//! [`FOLDER`]. [`Pieces::gather`] asks for them by name: the images of [`IMAGES`], the list of what each module needs, and
//! the modules. [`Pieces::disc_image`] makes of them what a BIOS loads from a disc; [`Pieces::boot_code`] is what it runs from
//! a stick, and loads the same image from its second block on.
//!
//! Two things stay open in the image until it has its place on a medium, and whoever places it writes them: the boot
//! information table at byte 8, and at byte 2548 the sector of its second part (`builder_iso9660::BiosBoot` does).
//!
//! Pieces are anyone's: each is held against its size and its form, and what does not fit is an error that names the
//! piece. The same pieces give the same bytes.

mod dependencies;
mod disc;
mod error;
mod kernel;
mod lzma;
mod payload;
mod pieces;

pub use error::CoreError;
pub use pieces::{FOLDER, IMAGES, MOST_PIECE, Pieces};
