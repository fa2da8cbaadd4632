-- From where a session was begun, for its owner to see.
alter table sessions add column source_ip text;
