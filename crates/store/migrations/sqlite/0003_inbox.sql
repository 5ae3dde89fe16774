-- What the inbox asks for, at a cost that does not grow with the number of rooms.

-- Lists of one status are in order as they stand; the list of all is both of them merged, which saves each message an index.
drop index rooms_updated;
drop index rooms_unread;
create index rooms_unread on rooms (status, updated_at desc, id desc) where user_messages > admins_read_count;

-- The sums of all rooms. Triggers keep them, so that no statement can forget to.
create table inbox_totals (
    one integer primary key check (one = 1),
    open integer not null,
    resolved integer not null,
    -- rooms with something that no admin has read, and the messages of users in them
    rooms_unread integer not null,
    unread integer not null
);
insert into inbox_totals (one, open, resolved, rooms_unread, unread)
select 1, count(*) filter (where status = 'open'), count(*) filter (where status = 'resolved'),
    count(*) filter (where user_messages > admins_read_count), coalesce(sum(user_messages - admins_read_count), 0)
from rooms;

create trigger rooms_made after insert on rooms begin
    update inbox_totals set
        open = open + (new.status = 'open'),
        resolved = resolved + (new.status = 'resolved'),
        rooms_unread = rooms_unread + (new.user_messages > new.admins_read_count),
        unread = unread + new.user_messages - new.admins_read_count;
end;

create trigger rooms_removed after delete on rooms begin
    update inbox_totals set
        open = open - (old.status = 'open'),
        resolved = resolved - (old.status = 'resolved'),
        rooms_unread = rooms_unread - (old.user_messages > old.admins_read_count),
        unread = unread - old.user_messages + old.admins_read_count;
end;

create trigger rooms_read_or_written after update of user_messages, admins_read_count on rooms
when new.user_messages - new.admins_read_count <> old.user_messages - old.admins_read_count begin
    update inbox_totals set
        rooms_unread = rooms_unread + (new.user_messages > new.admins_read_count) - (old.user_messages > old.admins_read_count),
        unread = unread + new.user_messages - new.admins_read_count - old.user_messages + old.admins_read_count;
end;

create trigger rooms_resolved_or_opened after update of status on rooms when new.status <> old.status begin
    update inbox_totals set
        open = open + (new.status = 'open') - (old.status = 'open'),
        resolved = resolved + (new.status = 'resolved') - (old.status = 'resolved');
end;

-- What people are found by, in pieces of three letters. Two more after the end let the last letters begin a piece, too, so
-- that one or two letters are found as the beginning of pieces.
create virtual table people_search using fts5 (text, tokenize = 'trigram case_sensitive 1', columnsize = 0);
create virtual table people_pieces using fts5vocab (people_search, instance);
insert into people_search (rowid, text) select id, search || char(10, 10) from users;

create trigger users_made after insert on users begin
    insert into people_search (rowid, text) values (new.id, new.search || char(10, 10));
end;

create trigger users_renamed after update of search on users when new.search <> old.search begin
    update people_search set text = new.search || char(10, 10) where rowid = new.id;
end;

create trigger users_removed after delete on users begin
    delete from people_search where rowid = old.id;
end;

-- UUIDv7s come in the order of time: with them in front all new entries go to the same page, however many people write.
drop index messages_client_id;
create unique index messages_client_id on messages (client_id, sender_id) where client_id is not null;
