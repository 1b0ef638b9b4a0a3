\getenv admin ADMINPASS
\getenv replicator REPPASS
CREATE ROLE admin LOGIN CREATEDB PASSWORD :'admin';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replicator';
ALTER DATABASE citusdb OWNER TO admin;
