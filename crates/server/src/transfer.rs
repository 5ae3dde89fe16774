//! Import and export: everything there is as records, one JSON object a line. The store keeps the records, this module the
//! bytes of attachments.

use std::io::{BufRead, Read, Write};

use anyhow::{Context, anyhow, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use frontdesk_protocol::limits::{FILE_BYTES_MAX, PHONE_BYTES_MAX};
use frontdesk_store::{AttachmentRecord, ImportError, NewAttachment, Record, Store};

use crate::{accounts::passwords, files::Files};

/// Records of one transaction.
const BATCH_RECORDS: usize = 1_000;
/// A line with the largest file in base64 and some room beside it.
const LINE_BYTES_MAX: u64 = FILE_BYTES_MAX / 3 * 4 + 64 * 1024;

/// Records that wait for their transaction, and the lines they came from.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    lines: Vec<usize>,
    files: Vec<NewAttachment>,
}

/// Reads records in batches and says how many. A bad line ends it: it is named, its batch is not applied, earlier ones are.
///
/// # Errors
/// The line and what is wrong with it; whatever the store or the file system says.
pub async fn import(store: &Store, files: &Files, mut from: impl BufRead) -> anyhow::Result<usize> {
    let (mut batch, mut line, mut number, mut imported) = (Batch::default(), Vec::new(), 0, 0);
    loop {
        line.clear();
        let read = from.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line)?;
        number += 1;
        if !line.trim_ascii().is_empty()
            && let Err(error) = batch.add(files, &line, number).await
        {
            files.discard(&batch.files).await;
            return Err(error.context(format!("line {number}")));
        }
        if batch.records.len() == BATCH_RECORDS || read == 0 {
            imported += std::mem::take(&mut batch).apply(store, files).await?;
        }
        if read == 0 {
            return Ok(imported);
        }
    }
}

impl Batch {
    async fn add(&mut self, files: &Files, line: &[u8], number: usize) -> anyhow::Result<()> {
        if line.len() as u64 > LINE_BYTES_MAX {
            bail!("it is longer than {LINE_BYTES_MAX} bytes");
        }
        let mut record: Record = serde_json::from_slice(line)?;
        check(&record)?;
        if let Record::Attachment(attachment) = &mut record {
            self.files.push(take_file(files, attachment).await?);
        }
        self.records.push(record);
        self.lines.push(number);
        Ok(())
    }

    async fn apply(self, store: &Store, files: &Files) -> anyhow::Result<usize> {
        let count = self.records.len();
        if count == 0 {
            return Ok(0);
        }
        match store.import(self.records).await {
            Ok(()) => Ok(count),
            Err(ImportError::Record { index, message }) => {
                files.discard(&self.files).await;
                Err(anyhow!("line {}: {message}", self.lines.get(index).copied().unwrap_or_default()))
            }
            // Nobody knows whether the records are stored, so their files stay; the next sweep looks.
            Err(ImportError::Store(error)) => Err(error.into()),
        }
    }
}

/// What the store does not judge.
fn check(record: &Record) -> anyhow::Result<()> {
    match record {
        Record::User(user) => {
            no_nul("phone", &user.phone)?;
            no_nul("name", &user.name)?;
            if user.phone.is_empty() || user.phone.len() > PHONE_BYTES_MAX {
                bail!("phone: must have 1 to {PHONE_BYTES_MAX} bytes");
            }
            user.password_hash.as_deref().map_or(Ok(()), passwords::recognise).map_err(|problem| anyhow!("password_hash: {problem}"))
        }
        Record::Message(message) => {
            no_nul("message", &message.message)?;
            no_nul("client_id", message.client_id.as_deref().unwrap_or_default())
        }
        Record::Meta { .. } | Record::Room(_) | Record::Event(_) | Record::Receipt(_) | Record::Attachment(_) => Ok(()),
    }
}

fn no_nul(field: &str, text: &str) -> anyhow::Result<()> {
    if text.contains('\0') { Err(anyhow!("{field}: must not contain U+0000")) } else { Ok(()) }
}

/// Makes a file of a record's bytes; what it is, is found out anew.
async fn take_file(files: &Files, record: &mut AttachmentRecord) -> anyhow::Result<NewAttachment> {
    let encoded = record.bytes.take().ok_or_else(|| anyhow!("bytes: is required"))?;
    let bytes = STANDARD.decode(encoded).map_err(|error| anyhow!("bytes: {error}"))?;
    let mut upload = files.begin().await?;
    upload.write(&bytes).await?;
    let file = upload.finish(&record.name).await?;
    record.key.clone_from(&file.key);
    record.name.clone_from(&file.name);
    record.content_type.clone_from(&file.content_type);
    (record.size, record.width, record.height, record.thumbnail) = (file.size, file.width, file.height, file.thumbnail);
    record.sha256 = file.sha256;
    Ok(file)
}

/// Writes everything there is.
///
/// # Errors
/// Whatever the store or the file system says; a missing attachment, too, since an export must lose nothing.
pub async fn export(store: &Store, files: &Files, mut to: impl Write) -> anyhow::Result<()> {
    let mut export = store.export().await?;
    while let Some(records) = export.next().await? {
        for mut record in records {
            if let Record::Attachment(attachment) = &mut record {
                attachment.bytes = Some(read_file(files, attachment).await?);
            }
            serde_json::to_writer(&mut to, &record)?;
            to.write_all(b"\n")?;
        }
    }
    Ok(to.flush()?)
}

async fn read_file(files: &Files, attachment: &AttachmentRecord) -> anyhow::Result<String> {
    let context = || format!("the file of attachment {:?} of message {}", attachment.name, attachment.message_id);
    let opened = files.read(&attachment.key).await.with_context(context)?;
    let bytes = opened.all().await.with_context(context)?;
    Ok(STANDARD.encode(bytes))
}
