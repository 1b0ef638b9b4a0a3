# For tests only: PostgreSQL with the stand-in for Citus, in the manner of the official images: their
# user 999, their PGDATA, an entrypoint of its own; of the latter two nothing may be left later.
ARG DEBIAN
FROM ${DEBIAN}
RUN groupmod -g 999 postgres && usermod -u 999 -g 999 postgres
COPY . /standin
RUN make -s -C /standin with_llvm=no all install && rm -rf /standin
ENV PGDATA=/var/lib/postgresql/data
ENTRYPOINT ["/bin/false"]
CMD ["postgres"]
