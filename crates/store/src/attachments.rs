//! The records of attachments. Their bytes are files that the server keeps.

use std::collections::HashMap;

use frontdesk_protocol::{Attachment, Id, Message};

use crate::{
    Error, Store,
    batch::Work,
    columns,
    sql::{self, Connection, Row, query, query_as},
};

/// A file that comes with a new message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttachment {
    /// The file's name in the attachment folder.
    pub key: String,
    /// The name that people see.
    pub name: String,
    /// The media type as sniffed from the bytes.
    pub content_type: String,
    /// The size in bytes.
    pub size: i64,
    /// The width in pixels, if it is an image that could be read.
    pub width: Option<i64>,
    /// The height in pixels.
    pub height: Option<i64>,
    /// Whether there is a small copy.
    pub thumbnail: bool,
    /// SHA-256 of the bytes, by which [`crate::Inspection`] knows whether they are still the same.
    pub sha256: Option<[u8; 32]>,
}

/// An attachment and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttachment {
    /// As clients see it.
    pub attachment: Attachment,
    /// The room that it can be seen in.
    pub room_id: Id,
    /// The file's name in the attachment folder.
    pub key: String,
    /// Whether there is a small copy.
    pub thumbnail: bool,
}

/// The columns of an attachment for [`from_row`].
macro_rules! attachment_columns {
    () => {
        "id, message_id, room_id, key, name, content_type, size, width, height, thumbnail"
    };
}

fn from_row(row: &Row) -> sqlx::Result<StoredAttachment> {
    let (id, thumbnail): (Id, bool) = (row.try_get("id")?, row.try_get("thumbnail")?);
    let attachment = Attachment {
        id,
        name: row.try_get("name")?,
        content_type: row.try_get("content_type")?,
        size: row.try_get("size")?,
        url: url(id),
        width: row.try_get("width")?,
        height: row.try_get("height")?,
        thumbnail_url: thumbnail.then(|| thumbnail_url(id)),
    };
    Ok(StoredAttachment { attachment, room_id: row.try_get("room_id")?, key: row.try_get("key")?, thumbnail })
}

fn url(id: Id) -> String {
    format!("/api/chat/attachments/{id}/")
}

fn thumbnail_url(id: Id) -> String {
    format!("/api/chat/attachments/{id}/thumbnail/")
}

/// Inserts the files of new messages; answers them by message, in the order in which they were given.
pub(crate) async fn insert<'a>(
    work: &mut Work,
    files: impl Iterator<Item = (&'a Message, &'a [NewAttachment])>,
) -> sqlx::Result<HashMap<Id, Vec<Attachment>>> {
    let mut inserted = HashMap::new();
    for (message, files) in files.filter(|(_, files)| !files.is_empty()) {
        let mut attachments = Vec::with_capacity(files.len());
        for file in files {
            let row = insert_one(&mut work.connection, message.id, message.room_id, file, None).await?;
            attachments.push(from_row(&row)?.attachment);
        }
        inserted.insert(message.id, attachments);
    }
    Ok(inserted)
}

/// One file, with the id of an import or the next one.
pub(crate) async fn insert_one(
    connection: &mut Connection,
    message_id: Id,
    room_id: Id,
    file: &NewAttachment,
    id: Option<Id>,
) -> sqlx::Result<Row> {
    let id = if id.is_none() { sql::next_id(connection, "attachments").await? } else { id };
    query(concat!(
        "insert into attachments (id, message_id, room_id, key, name, content_type, size, width, height, thumbnail, sha256) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ",
        attachment_columns!(),
    ))
    .bind(id)
    .bind(message_id)
    .bind(room_id)
    .bind(&file.key)
    .bind(&file.name)
    .bind(&file.content_type)
    .bind(file.size)
    .bind(file.width)
    .bind(file.height)
    .bind(file.thumbnail)
    .bind(file.sha256.as_ref().map(|sum| &sum[..]))
    .fetch_one(connection)
    .await
}

/// The files of messages, each with its message's id, by id.
pub(crate) async fn of_messages(
    connection: &mut Connection,
    messages: impl Iterator<Item = Id>,
) -> sqlx::Result<Vec<(Id, StoredAttachment)>> {
    let rows =
        query(concat!("select ", attachment_columns!(), " from attachments where message_id in ", columns::ids_sql!(), " order by id",))
            .bind(columns::ids(messages))
            .fetch_all(connection)
            .await?;
    rows.iter().map(|row| Ok((row.try_get("message_id")?, from_row(row)?))).collect()
}

/// Gives messages their files.
pub(crate) async fn fill<'a>(connection: &mut Connection, messages: impl Iterator<Item = &'a mut Message>) -> sqlx::Result<()> {
    let mut messages: HashMap<Id, &mut Message> = messages.map(|message| (message.id, message)).collect();
    if messages.is_empty() {
        return Ok(());
    }
    for (message_id, file) in of_messages(connection, messages.keys().copied()).await? {
        if let Some(message) = messages.get_mut(&message_id) {
            message.attachments.push(file.attachment);
        }
    }
    Ok(())
}

impl Store {
    /// An attachment.
    pub async fn attachment(&self, id: Id) -> Result<Option<StoredAttachment>, Error> {
        let row = query(concat!("select ", attachment_columns!(), " from attachments where id = $1"))
            .bind(id)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row.as_ref().map(from_row).transpose()?)
    }

    /// Ids and keys of attachments past an id, by id: what is on disk beside them is an orphan.
    pub async fn attachment_keys(&self, after: Id, limit: i64) -> Result<Vec<(Id, String)>, Error> {
        Ok(query_as("select id, key from attachments where id > $1 order by id limit $2")
            .bind(after)
            .bind(limit)
            .fetch_all(&mut *self.reader().await?)
            .await?)
    }
}
