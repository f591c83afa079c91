//! Modules as kmod sees them: `depmod`, `modprobe` and `modinfo`.

mod made;
mod modinfo;
mod modprobe;
mod real;
mod tools;
