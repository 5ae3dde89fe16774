//! How the demo's conversations are written down: a head of `word value` lines, then `gap speaker text` lines, where the gap is
//! the time since the line before, `U` is the user, `I` and `N` are the admins, and `file:NAME` is a file.

use crate::config;

/// One conversation.
pub(super) struct Script<'a> {
    pub phone: &'a str,
    pub name: &'a str,
    /// How long ago its last line was said.
    pub ended_secs: i64,
    /// From its first line to its last.
    pub lasted_secs: i64,
    pub resolved: bool,
    /// The user's last messages that no admin has read.
    pub unread_by_support: usize,
    /// The admins' last messages that the user has not read.
    pub unread_by_user: usize,
    pub lines: Vec<Line<'a>>,
}

/// One message.
pub(super) struct Line<'a> {
    /// Since the first line.
    pub at_secs: i64,
    pub speaker: Speaker,
    pub what: What<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Ines,
    Noah,
}

#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Text(&'a str),
    File(&'a str),
}

impl<'a> Script<'a> {
    /// Reads a script; they are part of the binary, so a mistake in one is ours.
    pub fn parse(text: &'a str) -> Self {
        let (phone, name) = ("", "");
        let mut script = Script {
            phone,
            name,
            ended_secs: 0,
            lasted_secs: 0,
            resolved: false,
            unread_by_support: 0,
            unread_by_user: 0,
            lines: Vec::new(),
        };
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "user" => (script.phone, script.name) = rest.split_once(' ').expect("a script names phone and person"),
                "ended" => script.ended_secs = seconds(rest),
                "resolved" => script.resolved = true,
                "unread_by_support" => script.unread_by_support = rest.parse().expect("a script counts in digits"),
                "unread_by_user" => script.unread_by_user = rest.parse().expect("a script counts in digits"),
                gap => script.say(seconds(gap), rest),
            }
        }
        script
    }

    fn say(&mut self, gap_secs: i64, said: &'a str) {
        self.lasted_secs += gap_secs;
        let (speaker, text) = said.split_once(' ').expect("a script's line has a speaker and a text");
        let speaker = match speaker {
            "U" => Speaker::User,
            "I" => Speaker::Ines,
            _ => Speaker::Noah,
        };
        let what = text.strip_prefix("file:").map_or(What::Text(text), What::File);
        self.lines.push(Line { at_secs: self.lasted_secs, speaker, what });
    }
}

fn seconds(text: &str) -> i64 {
    let gap = config::duration(text.trim_start_matches('+')).expect("a script's times are durations");
    i64::try_from(gap.as_secs()).expect("a script's times are short")
}
