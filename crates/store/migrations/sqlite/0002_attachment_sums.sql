-- SHA-256 of the bytes; null where the file came before this column and can be judged by its size only
alter table attachments add column sha256 blob;
