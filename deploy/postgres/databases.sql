-- One database per service, made when the volume is new.
create database moat_scoring;
create database moat_crisis;
create database moat_notify;
