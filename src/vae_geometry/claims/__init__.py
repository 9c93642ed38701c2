"""The paper's claims, the evidence they are checked on, and the advice on K."""
