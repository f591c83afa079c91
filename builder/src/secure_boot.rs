//! Who decides whether a program may start while Secure Boot is on, and what comes out.

use builder_pe::{KnownAuthority, Note, PeFile, Sbat, Shim, TrustAnchor, Verdict};

/// Most components that are named.
const MOST_COMPONENTS: usize = 6;

/// Who decides about a program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Judge<'a> {
    /// Firmware: with Microsoft's keys, or with those of the machine's owner.
    Firmware,
    /// A shim. Whether a program without components may start depends on the shim's age, and on who asks.
    Shim { shim: &'a Shim, needs_sbat: bool },
}

/// What becomes of a program.
pub(crate) struct Judgement {
    /// Whether it starts.
    pub(crate) starts: bool,
    /// Why, or why not.
    pub(crate) why: String,
    /// All of it as a sentence without a full stop.
    pub(crate) told: String,
}

/// What a shim says.
enum Answer {
    /// It may start: why, and when all the same it may not.
    Starts { why: String, but: Option<String> },
    /// It may not, and it would help if its key were trusted.
    Stranger(String),
    /// It may not, whoever signed it.
    Never(String),
}

impl Judge<'_> {
    /// Judges the program that people call `name`.
    pub(crate) fn judge(&self, program: &PeFile<'_>, name: &str) -> Judgement {
        match self {
            Self::Firmware => by_firmware(program, name),
            Self::Shim { shim, needs_sbat } => by_shim(program, name, shim, *needs_sbat),
        }
    }
}

fn by_firmware(program: &PeFile<'_>, name: &str) -> Judgement {
    let verdict = program.verify(&KnownAuthority::trust_anchors());
    let starts = verdict.is_trusted();
    let why = verdict.to_string();
    let own = format!("the certificate of who signs it, or the SHA-256 {}", program.sha256());
    let told = if starts {
        // Machines have the keys of 2011, those of 2023, or both.
        let authorities = KnownAuthority::ALL
            .into_iter()
            .filter(|authority| program.verify(&[TrustAnchor::Authority(authority)]).is_trusted());
        let authorities: Vec<String> = authorities.map(ToString::to_string).collect();
        format!(
            "firmware with Microsoft's keys starts {name}, with {}: it is {why}; a db of the owner's own keys has to \
             have {own}",
            authorities.join(" or with ")
        )
    } else {
        format!(
            "firmware with Microsoft's keys refuses {name}: {why}; a db of the owner's own keys makes it start if it \
             has {own}"
        )
    };
    Judgement { starts, why, told }
}

fn by_shim(program: &PeFile<'_>, name: &str, shim: &Shim, needs_sbat: bool) -> Judgement {
    match ask(program, shim, needs_sbat) {
        Answer::Starts { why, but } => {
            let but = but.map_or_else(String::new, |but| format!("; {but}"));
            let told = format!("shim lets {name} start: it is {why}{but}");
            Judgement { starts: true, why, told }
        }
        Answer::Stranger(why) => {
            let told = format!(
                "shim refuses {name}: {why}; it lets it start once the machine's owner has enrolled the certificate \
                 of who signs it as MOK, or the SHA-256 {}",
                program.sha256()
            );
            Judgement { starts: false, why, told }
        }
        Answer::Never(why) => {
            Judgement { starts: false, told: format!("shim refuses {name}, whoever signed it: {why}"), why }
        }
    }
}

/// As shim does it: what is denied, then the components, then the keys, among them those of the firmware.
fn ask(program: &PeFile<'_>, shim: &Shim, needs_sbat: bool) -> Answer {
    if let Some(denial) = program.denied_by(&shim.denied) {
        return Answer::Never(denial.to_string());
    }
    let sbat = match program.sbat() {
        Ok(None) if needs_sbat => return Answer::Never("it has no SBAT section".to_owned()),
        Ok(sbat) => sbat.unwrap_or_default(),
        Err(error) => return Answer::Never(format!("its SBAT section cannot be read: {error}")),
    };
    let mut but = None;
    if let Some(levels) = &shim.levels {
        if let Some(revoked) = sbat.revoked_by(&levels.automatic).first() {
            return Answer::Never(format!("SBAT revokes it: {revoked}"));
        }
        let revoked = sbat.revoked_by(&levels.latest);
        but = revoked.first().map(|revoked| format!("SBAT revokes it where the latest level is set: {revoked}"));
    }
    let own = program.verify(&shim.trust_anchors());
    if let Some(note) = own.notes(None).iter().find(|note| matches!(note, Note::ForModules { .. })) {
        return Answer::Never(note.to_string());
    }
    let starts = |verdict: &Verdict| format!("{verdict}{}", components(&sbat));
    if own.is_trusted() {
        return Answer::Starts { why: starts(&own), but };
    }
    match program.verify(&KnownAuthority::trust_anchors()) {
        trusted @ Verdict::Trusted { .. } => Answer::Starts { why: starts(&trusted), but },
        Verdict::Refused { .. } => Answer::Stranger(own.to_string()),
    }
}

/// The components with their generations, in brackets. The first one is the format's own.
fn components(sbat: &Sbat) -> String {
    let own = sbat.entries.iter().filter(|entry| entry.component != "sbat").take(MOST_COMPONENTS);
    let named: Vec<String> = own.map(|entry| format!("{} {}", entry.component, entry.generation)).collect();
    if named.is_empty() { String::new() } else { format!(" (SBAT: {}; none revoked)", named.join(", ")) }
}
