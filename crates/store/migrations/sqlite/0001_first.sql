-- Times are milliseconds since the Unix epoch in UTC, unless a column says seconds.

create table meta (
    one integer primary key check (one = 1),
    -- the unbroken history that all seqs belong to
    epoch text not null,
    -- counts transactions that changed a room
    version integer not null,
    -- written by the readiness probe, so that it commits something
    probed_at integer
);

create table users (
    id integer primary key autoincrement,
    phone text not null unique,
    name text not null,
    role text not null check (role in ('user', 'admin')),
    password_hash text,
    disabled boolean not null default false,
    -- seconds: older tokens without a session are refused
    tokens_after integer not null default 0,
    last_seen integer,
    -- name and phone in lower case, by which people are found and listed
    search text not null
);
create index users_search on users (search, id);

create table rooms (
    id integer primary key autoincrement,
    user_id integer not null references users (id),
    status text not null check (status in ('open', 'resolved')),
    created_at integer not null,
    -- when the newest durable event happened
    updated_at integer not null,
    last_seq integer not null default 0,
    last_message_id integer,
    -- running counts of each side's messages
    user_messages integer not null default 0,
    admin_messages integer not null default 0,
    -- each side's newest message
    user_last_seq integer not null default 0,
    admin_last_seq integer not null default 0,
    -- the user's watermark, and the admins' messages up to it
    user_read_seq integer not null default 0,
    user_read_count integer not null default 0,
    -- the furthest watermark of any admin, and the user's messages up to it
    admins_read_seq integer not null default 0,
    admins_read_count integer not null default 0,
    -- meta.version of the newest transaction that changed this room
    version integer not null
);
create index rooms_updated on rooms (updated_at desc, id desc);
create index rooms_status on rooms (status, updated_at desc, id desc);
create index rooms_user on rooms (user_id, updated_at desc, id desc);
create index rooms_unread on rooms (updated_at desc, id desc) where user_messages > admins_read_count;
create index rooms_version on rooms (version, id);

create table messages (
    id integer primary key autoincrement,
    room_id integer not null references rooms (id),
    seq integer not null,
    sender_id integer not null references users (id),
    -- the sender's role when it was sent
    side text not null check (side in ('user', 'admin')),
    text text not null,
    -- a lower-case UUID as 16 bytes, anything else as text: a quarter of the index's cost
    client_id,
    created_at integer not null,
    -- each side's messages in the room up to and with this one
    user_count integer not null,
    admin_count integer not null,
    -- how many attachments it has, so that most reads need not look
    files integer not null default 0,
    unique (room_id, seq)
);
create unique index messages_client_id on messages (sender_id, client_id) where client_id is not null;

create table attachments (
    id integer primary key autoincrement,
    message_id integer not null references messages (id),
    room_id integer not null references rooms (id),
    -- the file's name in the attachment folder
    key text not null unique,
    name text not null,
    content_type text not null,
    size integer not null,
    width integer,
    height integer,
    thumbnail boolean not null
);
create index attachments_message on attachments (message_id);

create table status_events (
    room_id integer not null references rooms (id),
    seq integer not null,
    status text not null check (status in ('open', 'resolved')),
    user_id integer not null references users (id),
    created_at integer not null,
    primary key (room_id, seq)
) without rowid;

create table receipts (
    room_id integer not null references rooms (id),
    user_id integer not null references users (id),
    -- the person's side when a watermark last moved
    side text not null check (side in ('user', 'admin')),
    read_seq integer not null default 0,
    read_message_id integer,
    read_at integer,
    delivered_seq integer not null default 0,
    delivered_message_id integer,
    delivered_at integer,
    primary key (room_id, user_id)
) without rowid;

create table sessions (
    sid text primary key,
    user_id integer not null references users (id),
    created_at integer not null,
    expires_at integer not null,
    ended_at integer
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

create table refresh_tokens (
    -- SHA-256 of the token
    hash blob primary key,
    sid text not null references sessions (sid) on delete cascade,
    created_at integer not null,
    replaced_at integer
);
create index refresh_tokens_sid on refresh_tokens (sid);

create table revoked_tokens (
    user_id integer not null references users (id),
    jti text not null,
    expires_at integer not null,
    primary key (user_id, jti)
);

create table revocations (
    id integer primary key autoincrement,
    user_id integer not null references users (id),
    sid text,
    jti text,
    -- seconds
    before_iat integer not null,
    created_at integer not null
);
