//! Images as other tools make them, judged by what other tools make of them.

mod choice;
mod gnu_tar;
mod host;
mod hostile;
mod layout;
mod mutation;
mod other_tools;
mod plan;
mod tarfile;
mod torture;
