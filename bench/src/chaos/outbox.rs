//! What one client wrote in one room and what is not acked yet: sent in order, at most `window` at a time, and again after every
//! reconnect and every refusal that may pass.

use std::{collections::VecDeque, time::Duration};

use frontdesk_protocol::{Id, Seq};
use tokio::time::Instant;

/// A server answers within five seconds; who hears nothing for longer has a dead line.
const ANSWER_PATIENCE: Duration = Duration::from_secs(7);

#[derive(Debug)]
pub struct Letter {
    pub client_id: String,
    pub text: String,
    sent_at: Option<Instant>,
    not_before: Option<Instant>,
}

#[derive(Debug)]
pub struct Outbox {
    window: usize,
    letters: VecDeque<Letter>,
    /// With one at a time, the seqs of a writer grow in the order of writing.
    last_seq: Seq,
    /// Some that were acked, to be sent again now and then.
    pub done: VecDeque<(String, String)>,
}

impl Outbox {
    pub fn new(window: usize) -> Self {
        Self { window, letters: VecDeque::new(), last_seq: 0, done: VecDeque::new() }
    }

    pub fn len(&self) -> usize {
        self.letters.len()
    }

    pub fn put(&mut self, client_id: String, text: String) {
        self.letters.push_back(Letter { client_id, text, sent_at: None, not_before: None });
    }

    /// A new connection knows of nothing that was sent before.
    pub fn unsend(&mut self) {
        for letter in &mut self.letters {
            letter.sent_at = None;
        }
    }

    /// What should be sent now.
    pub fn due(&mut self, now: Instant) -> Vec<(String, String)> {
        let ready = |letter: &&mut Letter| letter.sent_at.is_none() && letter.not_before.is_none_or(|at| at <= now);
        let due = self.letters.iter_mut().take(self.window).filter(ready);
        due.map(|letter| {
            letter.sent_at = Some(now);
            (letter.client_id.clone(), letter.text.clone())
        })
        .collect()
    }

    /// Takes an acked one away. `Err` tells of an order that was broken.
    pub fn acked(&mut self, client_id: &str, seq: Seq, id: Id) -> Result<(), String> {
        let Some(at) = self.letters.iter().position(|letter| letter.client_id == client_id) else { return Ok(()) };
        let letter = self.letters.remove(at).expect("it was found there");
        self.done.push_back((letter.client_id, letter.text));
        if self.done.len() > 20 {
            self.done.pop_front();
        }
        let before = self.last_seq;
        self.last_seq = before.max(seq);
        if self.window == 1 && seq <= before {
            return Err(format!("{client_id} (message {id}) got seq {seq}, but what was written before it has {before}"));
        }
        Ok(())
    }

    /// It will be sent again after a while.
    pub fn refused(&mut self, client_id: &str, wait: Duration) {
        if let Some(letter) = self.letters.iter_mut().find(|letter| letter.client_id == client_id) {
            letter.sent_at = None;
            letter.not_before = Some(Instant::now() + wait);
        }
    }

    /// The server will never take it.
    pub fn drop_letter(&mut self, client_id: &str) {
        self.letters.retain(|letter| letter.client_id != client_id);
    }

    /// Whether an answer is overdue.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.letters.iter().any(|letter| letter.sent_at.is_some_and(|at| now.duration_since(at) > ANSWER_PATIENCE))
    }
}
