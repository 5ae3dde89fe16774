//! How SQLite reaches what people wait for: each statement that the store really runs, by indexes, and sorting no more than a page.
//! So what is not asked for costs nothing, however much of it there is.

use std::{
    fmt::Debug,
    future::Future,
    sync::{Mutex, PoisonError},
};

use frontdesk_protocol::{Role, RoomStatus, Timestamp};
use frontdesk_store::{Cursor, MarkKind, MessageQuery, RoomQuery};
use sqlx::{AssertSqlSafe, SqliteConnection};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

use crate::fixture::{desk, file, person, stored, text};

/// The name of the span in which statements are noted.
const NOTED: &str = "noted";
/// Tables of one row, or of one for each table.
const SMALL: [&str; 3] = ["meta", "inbox_totals", "sqlite_sequence"];
/// Where few rows are found for each row of a page: itself, or the files of a message.
const FEW: [&str; 2] = ["INTEGER PRIMARY KEY (rowid=?)", "attachments_message (message_id=?)"];

static STATEMENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Hears of statements from sqlx, on whichever thread they run: that of a connection enters the span of who asks it.
struct Notes;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Notes {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.name() == NOTED || metadata.target() == "sqlx::query"
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if context.lookup_current().is_some() {
            let mut statement = Statement(String::new());
            event.record(&mut statement);
            STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).push(statement.0);
        }
    }
}

/// sqlx tells of a statement its first words and, if it has more, all of them.
struct Statement(String);

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "summary" | "db.statement") && value.len() > self.0.len() {
            self.0 = value.trim().to_owned();
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// What was run for what.
struct Watch {
    explainer: SqliteConnection,
    wrong: Vec<String>,
    statements: usize,
}

impl Watch {
    /// Judges every statement that runs until `work` is done. The writer's count, too: it runs on this test's one thread.
    async fn over<T>(&mut self, what: &str, work: impl Future<Output = T>) -> T {
        let span = tracing::debug_span!(NOTED);
        let noted = span.enter();
        let done = work.await;
        drop(noted);
        let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(!statements.is_empty(), "{what}: no statement was noted");
        // Some go together, in one text.
        let statements = statements.iter().flat_map(|text| text.split(';')).map(str::trim);
        for statement in statements.filter(|statement| !statement.is_empty() && !is_transaction(statement)) {
            let plan = Plan::of(&mut self.explainer, statement).await;
            self.wrong.extend(plan.wrong(statement).map(|step| format!("{what}: {step}\n  {statement}\n{}", plan.text())));
            self.statements += 1;
        }
        done
    }
}

fn is_transaction(statement: &str) -> bool {
    ["begin", "commit", "savepoint", "release", "pragma"].iter().any(|word| statement.to_lowercase().starts_with(word))
}

/// The steps of a plan: id, parent, what it does.
struct Plan(Vec<(i64, i64, String)>);

impl Plan {
    async fn of(explainer: &mut SqliteConnection, statement: &str) -> Self {
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(AssertSqlSafe(format!("explain query plan {statement}")))
            .fetch_all(explainer)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        Self(rows.into_iter().map(|(id, parent, _, step)| (id, parent, step)).collect())
    }

    fn text(&self) -> String {
        self.0.iter().map(|(_, _, step)| format!("    {step}\n")).collect()
    }

    /// Steps whose cost grows with what is not asked for.
    fn wrong<'a>(&'a self, statement: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.iter().filter_map(move |(_, parent, step)| match step.split(' ').collect::<Vec<_>>()[..] {
            ["SCAN", what, ..] if !self.is_small(what, step) => Some(format!("it goes through all of {what}; which index should it use?")),
            ["SEARCH", what, ..] if step.contains("AUTOMATIC") => Some(format!("it makes an index of {what} each time")),
            ["USE", "TEMP", "B-TREE", ..] if !self.sorts_a_page(*parent) && !is_search(statement) => {
                Some("it sorts more than a page; which index has that order?".into())
            }
            _ => None,
        })
    }

    /// What the statement made itself, was given, or is small.
    fn is_small(&self, what: &str, step: &str) -> bool {
        let made = [format!("CO-ROUTINE {what}"), format!("MATERIALIZE {what}")];
        let is_given = ["CONSTANT ROW", "VALUES CLAUSE", "VIRTUAL TABLE"].iter().any(|kind| step.contains(kind));
        is_given || SMALL.contains(&what) || self.0.iter().any(|(_, _, step)| made.contains(step))
    }

    /// Whether the rows that are sorted are those of a page that was cut off before, with what belongs to each.
    fn sorts_a_page(&self, parent: i64) -> bool {
        let siblings = self.0.iter().filter(|(_, other, _)| *other == parent).map(|(_, _, step)| step);
        siblings.filter(|step| step.starts_with("SEARCH")).all(|step| FEW.iter().any(|few| step.contains(few)))
    }
}

/// By the index of texts: whom it finds is sorted, and is not many where this is asked.
fn is_search(statement: &str) -> bool {
    statement.contains("people_search") || statement.contains("people_pieces")
}

fn inboxes() -> Vec<RoomQuery> {
    let mut queries = Vec::new();
    for viewer in [Role::Admin, Role::User] {
        for status in [None, Some(RoomStatus::Open), Some(RoomStatus::Resolved)] {
            for unread in [false, true] {
                for q in [None, Some("gr"), Some("grace"), Some("555")] {
                    for cursor in [None, Some(Cursor { updated_at: Timestamp::now(), id: 7 })] {
                        let q = q.map(str::to_owned);
                        queries.push(RoomQuery { viewer, user_id: 2, q, status, unread, cursor, limit: 2 });
                    }
                }
            }
        }
    }
    queries
}

#[tokio::test]
async fn what_people_wait_for_is_reached_by_indexes() {
    tracing::subscriber::set_global_default(Registry::default().with(Notes)).expect("no other test of this binary listens");
    let desk = desk().await;
    let (store, room) = (&desk.store, desk.room);
    let mut explainer = desk.stranger().await;
    // With them, plans show how rows would be looked for that refer to a row that goes.
    sqlx::query("pragma foreign_keys = off").execute(&mut explainer).await.unwrap();
    let mut watch = Watch { explainer, wrong: Vec::new(), statements: 0 };

    let grete = watch.over("a new account", person(store, "Grete", "5550009", Role::User)).await;
    let other = watch.over("a new room", store.open_room(grete.id)).await.unwrap().unwrap().room_id;
    let new = |number: i64| {
        let mut message = text(if number % 2 == 0 { room } else { other }, &desk.ada, "Hi");
        message.client_id = Some(number.to_string());
        message.attachments = vec![file(&number.to_string())];
        message
    };
    let sent = watch.over("sending", desk.send_together((0..70).map(new).collect())).await;
    let message = stored(sent.into_iter().nth(60).expect("seventy were sent"));
    watch.over("sending again", desk.send(new(60))).await;
    for kind in [MarkKind::Delivered, MarkKind::Read] {
        watch.over("a receipt", desk.mark(&desk.grace, &message, kind)).await;
    }
    watch.over("resolving", store.set_status(room, desk.ada.id, RoomStatus::Resolved)).await.unwrap();
    watch.over("last seen", store.touch_last_seen(vec![(desk.grace.id, message.created_at)])).await.unwrap();

    for page in [(None, None), (Some(9), None), (None, Some(3)), (Some(9), Some(3))] {
        let page = MessageQuery { before: page.0, after: page.1, limit: 50 };
        assert!(!watch.over("a page of history", store.messages(room, page)).await.unwrap().is_empty());
    }
    watch.over("a resume", store.events_after(room, 3, 100)).await.unwrap();
    watch.over("a room and its watermarks", store.room_with_receipts(room, Role::Admin)).await.unwrap();
    watch.over("watermarks said again", store.receipt_marks(room)).await.unwrap();
    watch.over("one room", store.room(room, Role::User)).await.unwrap();
    watch.over("whose room", store.room_owner(room)).await.unwrap();
    watch.over("changed rooms", store.heads_changed(1, 2)).await.unwrap();
    watch.over("the version", store.version()).await.unwrap();
    watch.over("readiness", store.probe()).await.unwrap();
    for viewer in [Role::User, Role::Admin] {
        watch.over("the summary", store.summary(viewer, desk.grace.id)).await.unwrap();
    }
    for query in inboxes() {
        watch.over(&format!("{query:?}"), store.rooms(&query)).await.unwrap();
    }
    for (q, after) in [("", None), ("", Some("1")), ("gr", None), ("grace", Some("1")), ("nobody", None)] {
        watch.over("people", store.people(q, after, 1)).await.unwrap();
    }
    let sid = watch.over("signing in", store.create_session(desk.grace.id, [1; 32])).await.unwrap();
    watch.over("who is calling", store.authenticate(desk.grace.id, Some(&sid), None, Some(1))).await.unwrap();
    watch.over("an account", store.account_by_phone("5550001")).await.unwrap();
    watch.over("ended sessions", store.revocations_after(0)).await.unwrap();

    assert!(watch.statements > 150, "only {} statements were noted", watch.statements);
    assert!(watch.wrong.is_empty(), "{}", watch.wrong.join("\n"));
}
