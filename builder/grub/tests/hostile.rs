//! Configurations that mean no good: each comes to an end.
#![allow(missing_docs)]

mod support;

use builder_grub::{GrubStart, SystemdStart, check, follow_grub, follow_systemd_boot};
use proptest::prelude::*;
use support::{BOOT, Disk, ESP, block, lines, menu_of};

fn problem_of(text: &str) -> String {
    lines(&menu_of(&Disk::usual("1", "boot"), text).problems)
}

#[test]
fn what_does_not_end_is_given_up() {
    let many = "menuentry a { true; }\n".repeat(1001);
    for (text, expected) in [
        ("while true; do true; done\n", "does not come to an end"),
        ("until false; do set x=1; done\n", "does not come to an end"),
        ("while true; do continue; done\n", "does not come to an end"),
        ("set x=aaaaaaaaaaaaaaaa\nwhile true; do set x=\"$x$x\"; done\n", "`x` gets"),
        (
            "set x='a a a a a a a a'\nfor i in 1 2 3 4 5 6; do set x=\"$x $x $x\"; done\nfor a in $x; do for b in $x; do for c in $x; do true; done; done; done\n",
            "does not come to an end",
        ),
        ("function f { f; }\nf\n", "inside each other"),
        ("function f { g; }\nfunction g { f; }\nif f; then true; fi\n", "inside each other"),
        ("source (hd0,gpt1)/EFI/debian/grub.cfg\n", "inside each other"),
        ("eval \"$x\"\nset x='eval \"$x\"'\neval \"$x\"\n", "inside each other"),
        ("configfile $config_file\n", "inside each other"),
        (
            "function f { for i in 1 2 3 4 5 6 7 8 9; do if [ $# -lt 9 ]; then f $@ $i; fi; done; }\nf\n",
            "come to an end",
        ),
        (many.as_str(), "more than 1000 entries"),
        ("set a=/*\nregexp '((a*)*)*' \"$a\"\nregexp '(((((((a*)*)*)*)*)*)*' aaaaaaaaaaaaa\n", "without its"),
    ] {
        assert!(problem_of(text).contains(expected), "{text}: {}", problem_of(text));
    }
}

#[test]
fn what_an_entry_does_is_limited_too() {
    for text in [
        "menuentry a { while true; do true; done; }\nmenuentry b { true; }\n",
        "function f { f; }\nmenuentry a { f; }\nmenuentry b { true; }\n",
    ] {
        let menu = menu_of(&Disk::usual("1", ""), text);
        assert_eq!(menu.entries.len(), 2);
        assert!(lines(&menu.entries[0].problems).contains("given up"), "{:#?}", menu.entries);
        assert!(!menu.entries[0].starts());
    }
    // A submenu that holds itself.
    let menu =
        menu_of(&Disk::usual("1", ""), "submenu a { source (hd0,gpt1)/EFI/debian/grub.cfg; }\nmenuentry b { true; }\n");
    assert!(lines(&menu.problems).contains("submenus are inside each other"), "{}", lines(&menu.problems));
}

#[test]
fn deep_texts_are_refused() {
    for deep in [
        "if true; then\n".repeat(100_000),
        "a {\n".repeat(100_000),
        "while ".repeat(100_000),
        format!("{}true; fi", "if ".repeat(50)),
    ] {
        assert!(check(&deep).unwrap_err().reason.contains("inside each other"));
    }
    let quotes = "echo 'a\n".repeat(100_000);
    problem_of(&quotes);
    let open = format!("echo '{}", "a\n".repeat(400_000));
    assert!(check(&open).unwrap_err().reason.contains("8191"));
}

#[test]
fn big_files_are_not_read() {
    let big = "\n".repeat((1 << 20) + 1);
    assert!(problem_of(&big).contains("cannot be read"));
    let disk = Disk::usual("1", "").file(BOOT, "/loader/entries/a.conf", &big).file(BOOT, "/linux", "x");
    let menu = menu_of(&disk, "set root=hd0,gpt2\nblscfg\n");
    assert!(lines(&menu.problems).contains("cannot be read"), "{:?}", menu.problems);
}

const TOKENS: &[&str] = &[
    "if",
    "then",
    "fi",
    "else",
    "elif",
    "for",
    "in",
    "do",
    "done",
    "while",
    "until",
    "function",
    "{",
    "}",
    ";",
    "\n",
    " ",
    " ",
    "\t",
    "'",
    "\"",
    "\\",
    "$",
    "$x",
    "${x}",
    "$?",
    "$@",
    "$*",
    "$1",
    "#",
    "x=1",
    "set",
    "unset",
    "test",
    "[",
    "]",
    "-f",
    "-o",
    "(",
    ")",
    "!",
    "=",
    "a",
    "b",
    "f",
    "menuentry",
    "submenu",
    "linux",
    "initrd",
    "/vmlinuz",
    "search",
    "--fs-uuid",
    "--set=root",
    "1",
    "configfile",
    "source",
    "/EFI/debian/grub.cfg",
    "blscfg",
    "load_env",
    "save_env",
    "x",
    "boot",
    "regexp",
    "(a|b)*",
    "[a-z]+",
    "shift",
    "break",
    "continue",
    "return",
    "eval",
    "/*",
    "*",
    "?",
    "(hd*)/*",
    "--id",
    "--",
    "normal",
    "exit",
    "echo",
    "true",
    "false",
    "setparams",
    "é",
    "\r",
    "\0",
    "&&",
    "default=1>2",
    "timeout=0",
    "insmod",
    "export",
    "$\"t $x\"",
    "probe",
    "hd0",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TOKENS), 0..60).prop_map(|tokens| {
        let mut text = String::new();
        for token in tokens {
            text.push_str(token);
            if token.len() > 1 {
                text.push(' ');
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_followed_to_its_end(text in text(), entry in text(), variables in text()) {
        _ = check(&text);
        let disk = Disk::usual("1", "a")
            .file(BOOT, "/vmlinuz", "x")
            .file(BOOT, "/loader/entries/a.conf", format!("title x\nlinux /vmlinuz\noptions {entry}\n{entry}"))
            .file(BOOT, "/loader/entries/b.conf", &entry)
            .file(ESP, "/loader/entries/c.conf", &entry)
            .file(ESP, "/loader/loader.conf", format!("default {entry}\n{entry}"))
            .file(ESP, "/EFI/debian/grubenv", block(&variables.chars().take(300).collect::<String>()))
            .file(ESP, "/EFI/debian/grub.cfg", format!("set root=hd0,gpt2\n{text}\nblscfg\n{entry}"));
        let menu = follow_grub(&disk, &GrubStart::new(ESP, "/EFI/debian", true)).unwrap();
        prop_assert!(menu.default.is_none_or(|default| default < menu.entries.len()));
        prop_assert!(menu.fallback.iter().all(|&index| index < menu.entries.len()));
        let start = SystemdStart { esp: ESP, xbootldr: Some(BOOT), architecture: "x64".to_owned(), last: None };
        let menu = follow_systemd_boot(&disk, &start).unwrap();
        prop_assert!(menu.default.is_none_or(|default| default < menu.entries.len()));
    }

    #[test]
    fn any_bytes_are_followed_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let disk = Disk::usual("1", "a")
            .file(ESP, "/EFI/debian/grub.cfg", &bytes)
            .file(ESP, "/loader/loader.conf", &bytes)
            .file(ESP, "/loader/entries/a.conf", &bytes);
        follow_grub(&disk, &GrubStart::new(ESP, "/EFI/debian", true)).unwrap();
        let start = SystemdStart { esp: ESP, xbootldr: None, architecture: "x64".to_owned(), last: None };
        follow_systemd_boot(&disk, &start).unwrap();
    }
}
